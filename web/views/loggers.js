// The farm's log: lines of all loggers, by level, by words, page by page; and when the lines of each level are mailed.
import { html, useEffect, useState } from '../html.js';
import { fills, may } from '../farm.js';
import { onEvent, rpc } from '../rpc.js';
import { refine, route, to } from '../route.js';
import { askFor } from '../parts/asked.js';
import { State } from '../parts/state.js';
import { Tabs } from '../parts/tabs.js';
import { complain, say } from '../parts/toast.js';
import { dayOf } from '../parts/time.js';

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'ALERT'];
const PAGE = 100; // lines
const SETTLE = 250; // ms after the last key or event until the farm is asked

/** What log.list answers, asked for again when `watch` differs or a line is written. */
function useLines(params, watch) {
  const [found, setFound] = useState(null);
  const asked = JSON.stringify(params);
  useEffect(() => {
    let here = true;
    let due = 0;
    const load = () => { due = 0; rpc('log.list', params).then((said) => { if (here) setFound(said); }, (error) => { if (here) complain(error); }); };
    due = setTimeout(load, found ? SETTLE : 0);
    const stop = onEvent((topic) => { if ((topic === 'log.written' || topic === 'logger.changed') && !due) due = setTimeout(load, SETTLE); });
    return () => { here = false; clearTimeout(due); stop(); };
  }, [asked, watch, fills.value]);
  return found;
}

const List = ({ records, letters }) => html`<ul class="lines">${records.map((one) => html`<li key=${one.id}><span class="faint when">${dayOf(one.at)}</span><${State} is=${one.level} /><span class="dim who">${one.logger}${one.host ? `, ${one.host}` : ''}</span><span class="text">${one.text}${letters && one.delivery && html` <a class="faint" href=${to('deliveries', one.delivery)}>letter ${one.delivery}</a>`}</span></li>`)}</ul>`;

/** Lines in the order of time, of one letter for instance. */
export function Lines({ params, watch }) {
  const found = useLines(params, watch);
  return found && html`<${List} records=${found.records} />`;
}

async function flush() {
  try {
    const said = await rpc('log.flush');
    say(said.deliveries.length ? `${said.lines} lines leave in ${said.deliveries.length} letters.` : 'No line waits for a digest.');
  } catch (error) { complain(error); }
}

function Loggers({ loggers }) {
  return html`<aside class="panel"><header><h2 class="grow">When lines are mailed</h2>${may.value.has('log.flush') && html`<button class="btn small" onClick=${flush}>Send digests now</button>`}</header>
    <ul class="why">${loggers.map((one) => html`<li key=${one.id}><div style="display:flex;gap:8px;align-items:center"><b class="grow ell">${one.name}</b>${may.value.has('log.config') && html`<button class="btn quiet small" onClick=${() => askFor('log.config', {}, `Set ${one.name}`, { fixed: { logger: one.name } })}>Set</button>`}</div>
      <dl class="facts">${Object.entries(one.levels).map(([level, when]) => html`<dt><${State} is=${level} /></dt><dd>${when.toLowerCase()}${one.waiting[when] ? html` <span class="faint">${one.waiting[when]} waiting</span>` : ''}</dd>`)}</dl>
      ${one.sinks.length > 0 && html`<div class="dim">to ${one.sinks.join(', ')}</div>`}</li>`)}</ul></aside>`;
}

export function Log() {
  const { query } = route.value;
  const offset = Number(query.offset) || 0;
  const params = { limit: PAGE, offset, ...(query.level ? { level: query.level } : {}), ...(query.logger ? { logger: query.logger } : {}), ...(query.q ? { search: query.q } : {}) };
  const found = useLines(params, '');
  const all = useLines({ limit: 1 }, '');
  const names = all ? all.loggers.map((one) => one.name) : [];
  const rows = found ? [...found.records].reverse() : [];
  const filtered = query.level || query.logger || query.q;
  const turn = (by) => { refine({ offset: String(Math.max(0, offset + by) || '') }); scrollTo(0, 0); };
  return html`<${Tabs} /><div class="head"><h1 class="grow">Log</h1><div class="tools">
      <label><span class="sr">Find in the log</span><input type="search" data-search placeholder="Find in the log" value=${query.q || ''} onInput=${(event) => refine({ q: event.currentTarget.value, offset: '' })} /></label>
      <label><span class="sr">Logger</span><select value=${query.logger || ''} onChange=${(event) => refine({ logger: event.currentTarget.value, offset: '' })}><option value="">all loggers</option>${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
      <label><span class="sr">Level</span><select value=${query.level || ''} onChange=${(event) => refine({ level: event.currentTarget.value, offset: '' })}><option value="">all levels</option>${LEVELS.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>
      ${may.value.has('log.write') && html`<button class="btn" onClick=${() => askFor('log.write', { logger: query.logger || 'farm', level: 'INFO' }, 'Write a line', { fixed: { data: undefined, host: undefined, mac: undefined } })}>Write a line</button>`}</div></div>
    <div class="split"><div>${found && (rows.length ? html`<section class="panel"><${List} records=${rows} letters /></section>`
      : html`<div class="empty"><h2>${filtered || offset ? 'No line is like that' : 'Nothing was written yet'}</h2><p>${filtered || offset ? 'Take the filter back to see more.' : 'Alarms, the ends of jobs, and what people and programs write stand here.'}</p></div>`)}
      ${found && (offset > 0 || rows.length === PAGE) && html`<p class="tools" style="margin-top:12px"><button class="btn" disabled=${!offset} onClick=${() => turn(-PAGE)}>Newer</button><span class="dim">${offset + 1} to ${offset + rows.length}, the newest first</span><button class="btn" disabled=${rows.length < PAGE} onClick=${() => turn(PAGE)}>Older</button></p>`}</div>
    ${all && all.loggers.length > 0 && html`<${Loggers} loggers=${all.loggers} />`}</div>`;
}
