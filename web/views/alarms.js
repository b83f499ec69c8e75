// What is wrong now and who looks after it, what was, and the rules that say what is a trouble.
import { html, useEffect, useState } from '../html.js';
import { alarms, fills, may, now, rules, workers } from '../farm.js';
import { onEvent, rpc } from '../rpc.js';
import { go, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Choice, Search, matching } from '../parts/filter.js';
import { State } from '../parts/state.js';
import { Table, useAtMost } from '../parts/table.js';
import { Tabs } from '../parts/tabs.js';
import { dayOf, span } from '../parts/time.js';
import { Rules, conditionOf } from './rules.js';

const RANK = { firing: 0, skipped: 2, acknowledged: 3, pending: 4 };
const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'ALERT'];
const MOST = 100; // cards
const ONLY = ['alarm.ack', 'alarm.skip'];
const rank = (row) => (row.state === 'firing' && row.muted ? 1 : RANK[row.state] ?? 5);
const stateOf = (row) => (row.state === 'firing' && row.muted ? 'muted' : row.state === 'acknowledged' ? 'taken' : row.state);
const number = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));

/** Those that people have to do something about: the rail counts them. */
export const firing = () => alarms.all.filter((row) => row.state === 'firing' && !row.muted).length;

/** The value that raised it beside what the rule allows. */
function against(row) {
  const rule = rules.get(row.rule_id);
  const value = row.value === null || row.value === undefined ? '' : number(row.value);
  return [value, rule && rule.source === 'channel' ? conditionOf(rule) : ''].filter(Boolean).join(', ');
}

const nameOf = (row) => (rules.get(row.rule_id) || {}).name || row.rule;

/** Where one sees what it is about. */
function placeOf(row) {
  if (row.subject === 'worker') return to('workers', row.subject_id);
  if (row.subject === 'job') return to('jobs', row.subject_id);
  if (row.subject === 'channel') return to('channels', row.subject_id);
  return row.worker_id ? to('workers', row.worker_id) : null;
}

const Subject = ({ row }) => { const place = placeOf(row); return place ? html`<a href=${place}>${row.about}</a>` : row.about; };

function by(row) {
  if (row.state === 'acknowledged') return row.acked_by;
  if (row.state === 'skipped') return row.skipped_until ? `until ${dayOf(row.skipped_until)}` : 'until it is over';
  if (row.muted) return `${(workers.get(row.worker_id) || {}).name || row.worker || 'its machine'} is away`;
  return '';
}

const COLUMNS = [
  { key: 'state', label: 'State', width: '96px', value: rank, cell: (row) => html`<${State} is=${stateOf(row)} title=${by(row)} />` },
  { key: 'level', label: 'Level', width: '104px', narrow: false, value: (row) => -LEVELS.indexOf(row.level), cell: (row) => html`<${State} is=${row.level} />` },
  { key: 'said', label: 'What', width: 'minmax(70px,3fr)', cell: (row) => html`<a href=${to('alarms', row.id)}>${row.said || row.about}</a>` },
  { key: 'value', label: 'Rule', width: 'minmax(150px,1.6fr)', narrow: false, value: nameOf, cell: (row) => html`<span class="dim" title=${`${nameOf(row)}: ${against(row)}`}>${nameOf(row)}${against(row) && html` <span class="faint">${against(row)}</span>`}</span>` },
  { key: 'since', label: 'For', width: '72px', num: true, value: (row) => -row.since, cell: (row) => span(Math.max(0, now() - (row.fired_at || row.since))) },
  { key: 'by', label: 'Who', width: 'minmax(84px,0.8fr)', narrow: false, value: by, cell: (row) => html`<span class="dim" title=${by(row)}>${by(row)}</span>` },
  { key: 'do', label: '', width: '160px', narrow: false, sort: false, cell: (row) => html`<span class="acts"><${Actions} rows=${[row]} only=${ONLY} small /></span>` },
];

const PAST = [
  { key: 'level', label: 'Level', width: '104px', cell: (row) => html`<${State} is=${row.level} />` },
  { key: 'said', label: 'What', width: 'minmax(90px,3fr)', cell: (row) => html`<span title=${row.said}>${row.said}</span>` },
  { key: 'rule', label: 'Rule', width: 'minmax(60px,0.8fr)', narrow: false, cell: (row) => html`<span class="dim">${row.rule}</span>` },
  { key: 'fired_at', label: 'Fired', width: '128px', narrow: false, cell: (row) => html`<span class="dim">${dayOf(row.fired_at)}</span>` },
  { key: 'lasted', label: 'Lasted', width: '88px', num: true, value: (row) => row.resolved_at - (row.fired_at || row.since), cell: (row) => span(row.resolved_at - (row.fired_at || row.since)) },
  { key: 'acked_by', label: 'Who', width: 'minmax(60px,0.7fr)', narrow: false, cell: (row) => html`<span class="dim">${row.acked_by}</span>` },
];

/** Those that are over, the newest first; more of them on demand. */
function History() {
  const [limit, setLimit] = useState(50);
  const [rows, setRows] = useState(null);
  useEffect(() => {
    let here = true;
    const load = () => rpc('alarm.history', { limit }).then((found) => { if (here) setRows(found.alarms); }, () => {});
    load();
    const stop = onEvent((topic) => { if (topic === 'alarm.resolved') load(); });
    return () => { here = false; stop(); };
  }, [limit, fills.value]);
  if (!rows) return null;
  const none = html`<div class="empty"><h2>Nothing is over yet</h2><p>An alarm that has fired stands here once it is over.</p></div>`;
  return html`<${Table} rows=${matching(rows, (row) => `${row.said} ${row.rule} ${row.level}`)} columns=${PAST} label="Alarms that are over" select=${false} empty=${none} />
    ${rows.length === limit && limit < 1000 && html`<p style="margin-top:12px"><button class="btn" onClick=${() => setLimit(Math.min(1000, limit * 4))}>Show more</button></p>`}`;
}

/** On a phone: all of what is the matter, and the buttons under it. */
function Card({ row }) {
  return html`<article class="card"><div class="row"><${State} is=${stateOf(row)} /><${State} is=${row.level} /><span class="grow"></span><span class="faint">${span(Math.max(0, now() - (row.fired_at || row.since)))}</span></div>
    <a href=${to('alarms', row.id)}>${row.said || row.about}</a>${by(row) && html`<span class="dim">${by(row)}</span>`}<div class="row"><${Actions} rows=${[row]} only=${ONLY} /></div></article>`;
}

function Live({ state }) {
  const phone = useAtMost(640);
  const all = alarms.all;
  const known = rules.size;
  const fits = matching(state ? all.filter((row) => row.state === state) : all, (row) => `${row.said} ${row.about} ${row.rule} ${row.level} ${row.worker}`);
  const rows = fits.sort((a, b) => rank(a) - rank(b) || LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level) || b.since - a.since);
  const [, look] = useState(0);
  useEffect(() => { const timer = setInterval(() => look((old) => old + 1), 5000); return () => clearInterval(timer); }, []);
  const none = all.length ? html`<div class="empty"><h2>No alarm is like that</h2><p>Take the filter back to see all ${all.length}.</p></div>`
    : html`<div class="empty"><h2>${known ? 'Nothing is wrong' : 'Nobody is told of anything'}</h2><p>${known ? `As far as ${known === 1 ? 'one rule' : `${known} rules`} can tell.` : 'There is no rule that says what is a trouble.'}</p><a class="btn" href="${to('alarms')}?show=rules">${known ? 'See the rules' : 'Add a rule'}</a></div>`;
  if (phone && rows.length) return html`<div class="cards">${rows.slice(0, MOST).map((row) => html`<${Card} key=${row.id} row=${row} />`)}</div>${rows.length > MOST && html`<p class="dim">${rows.length - MOST} more: find them by a word.</p>`}`;
  return html`<${Table} rows=${rows} columns=${COLUMNS} open=${(row) => go('alarms', row.id)} label="Alarms" only=${ONLY} empty=${none} />`;
}

export function Alarms() {
  const { query } = route.value;
  const show = query.show || '';
  return html`<${Tabs} /><div class="head"><h1 class="grow">Alarms</h1><div class="tools"><${Search} label="Find an alarm" />
      ${!show && html`<${Choice} name="state" label="Which alarms" choices=${[['', 'All'], ['firing', 'Firing'], ['acknowledged', 'Taken'], ['skipped', 'Skipped']]} />`}
      <${Choice} name="show" label="What is shown" choices=${[['', 'Now'], ['history', 'History'], ['rules', 'Rules']]} /></div></div>
    ${show === 'rules' ? html`<${Rules} />` : show === 'history' ? html`<${History} />` : html`<${Live} state=${query.state} />`}`;
}

/** One alarm: what to do is the runbook of its rule. */
export function Alarm({ id }) {
  const row = alarms.get(Number(id));
  const rule = row && rules.get(row.rule_id);
  if (!row) return html`<${Tabs} /><div class="empty"><h2>Alarm ${id} is not there</h2><p>It may be over.</p><a class="btn" href="${to('alarms')}?show=history">What was</a></div>`;
  const facts = [['About', html`<${Subject} row=${row} />`], ['Level', html`<${State} is=${row.level} />`], ['Value', against(row) || '–'], ['True since', dayOf(row.since)], ['Fired', dayOf(row.fired_at)],
    ['Times', row.count], ['Machine', row.worker_id ? html`<a href=${to('workers', row.worker_id)}>${(workers.get(row.worker_id) || {}).name || row.worker}</a>` : '–'], ['Rule', nameOf(row)], ['Told by', rule ? rule.logger : '–']];
  return html`<${Tabs} /><div class="head"><div class="grow"><p class="crumbs"><a href=${to('alarms')}>Alarms</a></p><h1>${row.said || row.about}</h1></div><${State} is=${stateOf(row)} /><div class="tools"><${Actions} rows=${[row]} /></div></div>
    ${row.muted && html`<p class="note">Nobody is told of it: ${by(row)}. If it is still so when the machine is back, it is told then.</p>`}
    ${row.state === 'acknowledged' && html`<p class="note">${row.acked_by} looks after it: nobody is told again.</p>`}
    ${row.state === 'skipped' && html`<p class="note">Skipped ${by(row)}.</p>`}
    ${rule && rule.runbook && html`<section class="panel"><header><h2>What to do</h2></header><p style="white-space:pre-wrap">${rule.runbook}</p></section>`}
    <section class="panel"><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>
    ${may.value.has('alarm_rule.list') && html`<p style="margin-top:12px"><a href="${to('alarms')}?show=rules">All rules</a></p>`}`;
}
