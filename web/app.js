// The page as a whole: shell, routes, keys, theme, and the word when the farm is away.
import { html, render, signal, useLayoutEffect } from './html.js';
import { channels, fills, jobs, status, workers } from './farm.js';
import { greet, start } from './feed.js';
import { connect, link, newer } from './rpc.js';
import { route, to } from './route.js';
import { Confirm, Dialog } from './parts/dialog.js';
import { Asked } from './parts/asked.js';
import { Icon } from './parts/icons.js';
import { Palette, openPalette } from './parts/palette.js';
import { Toasts } from './parts/toast.js';
import { count } from './parts/time.js';
import { Alarm, Alarms, firing } from './views/alarms.js';
import { Channels } from './views/channels.js';
import { Console } from './views/console.js';
import { Deliveries, Delivery } from './views/deliveries.js';
import { Events } from './views/events.js';
import { Job } from './views/job.js';
import { Jobs } from './views/jobs.js';
import { Plots } from './views/plots.js';
import { Log } from './views/loggers.js';
import { Schedule } from './views/schedule.js';
import { Schedules } from './views/schedules.js';
import { Submit } from './views/submit.js';
import { Worker } from './views/worker.js';
import { Workers } from './views/workers.js';

const PAGES = [
  { path: 'workers', icon: 'farm', label: 'Farm', list: Workers, one: Worker },
  { path: 'jobs', icon: 'jobs', label: 'Jobs', list: Jobs, one: Job },
  { path: 'channels', icon: 'channels', label: 'Telemetry', list: Channels, one: Plots, several: true },
  { path: 'alarms', icon: 'watch', label: 'Watch', list: Alarms, one: Alarm },
  { path: 'schedules', under: 'alarms', label: 'Schedules', list: Schedules, one: Schedule },
  { path: 'deliveries', under: 'alarms', label: 'Letters', list: Deliveries, one: Delivery },
  { path: 'log', under: 'alarms', label: 'Log', list: Log },
  { path: 'submit', icon: 'submit', label: 'Submit', list: Submit },
  { path: 'events', icon: 'events', label: 'Events', list: Events },
  { path: 'console', icon: 'console', label: 'Console', list: Console },
];
for (const page of PAGES) page.to = to(page.path);

const kept = (name, value) => { try { if (value !== undefined) localStorage.setItem(name, value); return localStorage.getItem(name); } catch { return null; } };
const theme = signal(kept('brender-theme') || '');
const keys = signal(false);

function setTheme(name) {
  theme.value = name;
  kept('brender-theme', name);
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  dispatchEvent(new Event('brender-theme'));
}

function Pulse() {
  const now = status.value;
  const tasks = now.tasks || {};
  const failed = (now.progress && now.progress.failed) || 0;
  const of = now.workers || {};
  const fires = firing();
  return html`<div class="pulse grow" aria-label="The farm's pulse">
    <div><b>${count(of.online)}</b><span class="dim">of ${count(of.known)} online</span></div>
    <div class="opt"><b>${count(now.slots && now.slots.used)}</b><span class="dim">of ${count(now.slots && now.slots.total)} slots</span></div>
    <div class=${failed ? 'less' : ''}><b>${count(tasks.running)}</b><span class="dim">running</span></div>
    <div class="opt"><b>${count(now.progress && now.progress.ready)}</b><span class="dim">queued</span></div>
    <div class=${failed ? 'bad' : 'opt'}><b>${count(failed)}</b><span class="dim">failed</span></div>
    ${fires > 0 && html`<a class="bad" href=${to('alarms')} aria-label=${`${count(fires)} ${fires === 1 ? 'alarm' : 'alarms'}`}><${Icon} name="watch" /><b>${count(fires)}</b><span class="dim">${fires === 1 ? 'alarm' : 'alarms'}</span></a>`}</div>`;
}

const AWAY = {
  connecting: ['Connecting to the farm…', ''],
  offline: ['The page has lost the farm.', 'It tries again by itself, and then shows what happened meanwhile.'],
  'master-away': ['The master does not answer.', 'Renders go on without it; the page is current again when it is back.'],
};

function Banner() {
  const words = AWAY[link.value];
  if (!words || (link.value === 'connecting' && !fills.value)) return null;
  return html`<div class="banner" role="alert"><b>${words[0]}</b><span class="dim">${words[1]}</span></div>`;
}

/** This page goes on as it is; the farm may know words by now that it does not. */
const Newer = () => newer.value && html`<div class="banner" role="status"><b>A newer page is there.</b><span class="dim grow">This one goes on working; reload it when it suits you.</span><button class="btn small" onClick=${() => location.reload()}>Reload</button></div>`;

const KEYS = [['Ctrl K', 'find or do anything'], ['/', 'find in this list'], ['g then f, j, m, a, t, l, s, e, c', 'farm, jobs, telemetry, alarms, timetable, log, submit, events, console'], ['j, k', 'next, previous row'], ['Enter', 'open it'], ['x', 'select it; with Shift all from the last one'], ['arrows, + and −', 'on a plot: move in time, zoom'], ['t', 'light, dark, as the system'], ['?', 'these keys']];

function Keys() {
  if (!keys.value) return null;
  const close = () => { keys.value = false; };
  return html`<${Dialog} title="Keys" close=${close}><div class="body"><h2>Keys</h2><dl class="facts">${KEYS.map(([key, does]) => html`<dt class="mono">${key}</dt><dd>${does}</dd>`)}</dl></div><div class="foot"><button class="btn" onClick=${close}>Close</button></div><//>`;
}

const GOING = 900; // ms between g and the letter of a page
let going = -Infinity; // when g was pressed
function key(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); openPalette(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, [role="dialog"]')) return;
  if (event.timeStamp - going < GOING) { // when they were pressed, not when a busy page comes to hear of them
    going = -Infinity;
    const page = { f: 'workers', j: 'jobs', m: 'channels', a: 'alarms', t: 'schedules', l: 'log', s: 'submit', e: 'events', c: 'console' }[event.key];
    if (page) { location.hash = to(page); event.preventDefault(); }
    return;
  }
  if (event.key === 'g') going = event.timeStamp;
  else if (event.key === '/') { const field = document.querySelector('[data-search]'); if (field) { field.focus(); event.preventDefault(); } } else if (event.key === '?') keys.value = true;
  else if (event.key === 't') setTheme({ '': 'light', light: 'dark', dark: '' }[theme.value]);
  else if ((event.key === 'j' || event.key === 'k') && !event.target.closest('.scroll')) { const table = document.querySelector('.table .scroll'); if (table) { table.focus(); table.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, bubbles: true })); } }
}

function App() {
  const { path } = route.value;
  const page = PAGES.find((one) => one.path === path[0]) || PAGES[0];
  const View = path[1] && page.one ? page.one : page.list;
  const many = { workers: workers.size, jobs: jobs.size, channels: channels.size, alarms: firing() };
  useLayoutEffect(() => { document.title = `${path[1] ? `${page.label} ${path[1]}` : page.label} · brender`; document.getElementById('main').focus({ preventScroll: true }); scrollTo(0, 0); }, [path.join('/')]);
  return html`<div class="shell">
    <header class="top"><a class="brand" href="#/workers" aria-label="brender"><img src="icon.svg" alt="" /><span class="label">brender</span></a><${Pulse} />
      <button class="btn small find" onClick=${openPalette} aria-label="Find or do anything"><${Icon} name="find" /><span class="label" aria-hidden="true">Find or do</span><kbd class="label" aria-hidden="true">Ctrl K</kbd></button></header>
    <nav class="rail" aria-label="Pages">${PAGES.filter((one) => !one.under).map((one) => html`<a key=${one.path} href=${one.to} aria-current=${one === page || one.path === page.under ? 'page' : undefined} aria-label=${one.label}><${Icon} name=${one.icon} /><span class="label grow">${one.label}</span>${many[one.path] > 0 && html`<span class=${one.path === 'alarms' ? 'badge' : 'label faint'}>${count(many[one.path])}</span>`}</a>`)}</nav>
    <main class="main" id="main" tabindex="-1" aria-busy=${!fills.value}><${Banner} /><${Newer} />${!fills.value ? html`<div class="empty"><h2>Looking at the farm…</h2></div>` : html`<${View} key=${`${page.path}/${page.several ? '' : path[1] || ''}`} id=${path[1]} />`}</main>
    <${Palette} pages=${PAGES} /><${Confirm} /><${Asked} /><${Keys} /><${Toasts} /></div>`;
}

setTheme(theme.value);
addEventListener('keydown', key);
start();
connect(() => greet(kept('brender-name') || 'page'));
render(html`<${App} />`, document.getElementById('app'));
