// What the clock runs: as a list, and as a calendar. When something is due the farm says; the page reckons no plan.
import { html, signal } from '../html.js';
import { halted, may, now, schedules, workers } from '../farm.js';
import { rpc } from '../rpc.js';
import { go, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { askFor } from '../parts/asked.js';
import { confirm } from '../parts/dialog.js';
import { Choice, Search, matching } from '../parts/filter.js';
import { State } from '../parts/state.js';
import { Table } from '../parts/table.js';
import { Tabs } from '../parts/tabs.js';
import { complain, say } from '../parts/toast.js';
import { ZONE, count, dayOf, inZone, period, span } from '../parts/time.js';
import { Calendar } from './calendar.js';

const ONLY = ['schedule.run_now', 'schedule.pause', 'schedule.resume', 'schedule.remove'];
const KINDS = [['cron', 'By the clock (cron)'], ['repeat_every', 'Again and again'], ['repeat_o_clock', 'At every full hour or so'], ['once_after', 'Once, from now'], ['once_when', 'Once, at a moment'], ['once_o_clock', 'Once, at the next full hour or so']];
const kind = signal('cron');

/** What it is called; what has no name is its command. */
export const called = (row) => row.name || row.command || row.uuid;

/** What it does, in words: a calendar's workers by the names they have now. */
export function doesOf(row) {
  if (row.kind !== 'calendar') return row.command;
  const names = row.params.workers.map((id) => (workers.get(id) || {}).name).filter(Boolean);
  return `when ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''} may be used`;
}

/** When it was asked for, without the next moment. */
export function whenOf(row) {
  if (row.kind === 'cron' || row.kind === 'calendar') return `${row.expr} (${row.tz})`;
  if (row.kind === 'repeat_every') return `every ${period(row.seconds)}`;
  if (row.kind === 'repeat_o_clock') return `at every multiple of ${period(row.seconds)}${row.offset ? ` and ${period(row.offset)}` : ''}, UTC`;
  if (row.kind === 'once_o_clock') return `once, at the next multiple of ${period(row.seconds)}, UTC`;
  return 'once';
}

/** What became of its last run: [state, words]. */
export function lastOf(row) {
  const { outcome, said, code, due } = row.last_result || {};
  if (outcome === 'missed') return ['missed', `missed ${dayOf(due)}: nobody could run it in time`];
  if (row.state === 'running') return ['running', `runs since ${dayOf(row.last_at)}`];
  if (!outcome || !row.last_at) return ['', 'has not run yet'];
  if (outcome === 'unknown') return ['waiting', 'it was done, but the master stopped before it had the answer'];
  return outcome === 'error' ? ['error', `${code ? `${code} ` : ''}${said || ''}`] : ['ok', (said || 'done').replace(/^OK /, '')];
}

export const armed = (row) => (row.state === 'running' ? row.then : row.state) === 'armed' && row.next_at;

/** The next moment in the reader's zone, and beside it in the schedule's where that clock shows another time. */
export function Next({ row }) {
  if (!armed(row)) return html`<span class="faint">${row.next_at ? 'held' : '–'}</span>`;
  const there = inZone(row.next_at, row.tz);
  return html`<span title=${`in ${span(Math.max(0, row.next_at - now()))}`}>${dayOf(row.next_at)}${there && html` <span class="faint">${there}</span>`}</span>`;
}

function Last({ row }) {
  const [state, words] = lastOf(row);
  return html`<span class="ell" title=${words}>${state && state !== 'running' ? html`<${State} is=${state} /> ` : ''}<span class="dim">${words}</span></span>`;
}

const COLUMNS = [
  { key: 'name', label: 'Schedule', width: 'minmax(60px,1.5fr)', value: called, cell: (row) => html`<a href=${to('schedules', row.id)}>${row.name || doesOf(row)}</a>${row.name && html` <span class="faint">${doesOf(row)}</span>`}` },
  { key: 'state', label: 'State', width: '90px', cell: (row) => html`<${State} is=${row.state} />` },
  { key: 'when', label: 'When', width: 'minmax(80px,1fr)', narrow: false, value: whenOf, cell: (row) => html`<span class="dim" title=${whenOf(row)}>${whenOf(row)}</span>` },
  { key: 'next_at', label: 'Next', width: 'minmax(124px,1fr)', value: (row) => (armed(row) ? row.next_at : 1e12), cell: (row) => html`<${Next} row=${row} />` },
  { key: 'last_at', label: 'Last', width: 'minmax(80px,1.3fr)', narrow: false, value: (row) => row.last_at || 0, cell: (row) => html`<${Last} row=${row} />` },
  { key: 'runs', label: 'Runs', width: '52px', num: true, narrow: false, cell: (row) => count(row.runs) },
  { key: 'owner', label: 'By', width: 'minmax(40px,0.4fr)', narrow: false, cell: (row) => html`<span class="dim">${row.owner}</span>` },
];

/** The kinds of schedules, each with the form of its command. */
export function add() {
  const tz = ZONE;
  const done = (made) => say(`${made.row.name || 'The schedule'} is there: next ${dayOf(made.row.next_at)}.`);
  askFor(`schedule.${kind.value}`, ['cron', 'once_when'].includes(kind.value) ? { tz } : {}, 'Add a schedule', { fixed: { method: undefined, params: undefined }, done });
}

async function switchAll() {
  const stop = !halted.value;
  if (stop && !(await confirm('Hold all schedules?', 'Nothing is run by the clock until somebody lets them go on, over restarts too.', 'Hold all'))) return;
  try {
    await rpc(stop ? 'schedule.stop' : 'schedule.start');
    say(stop ? 'All schedules stand still.' : 'Schedules go on.');
  } catch (error) { complain(error); }
}

export function Schedules() {
  const { query } = route.value;
  const all = schedules.all;
  const rows = matching(all, (row) => `${row.name} ${row.command} ${row.expr} ${row.owner} ${row.state}`);
  const none = html`<div class="empty"><h2>${all.length ? 'No schedule is like that' : 'The clock runs nothing yet'}</h2><p>${all.length ? `Take the filter back to see all ${all.length}.` : 'Any command of the prompt can be run later, again and again, or by the clock.'}</p>${!all.length && may.value.has('schedule.cron') && html`<button class="btn primary" onClick=${add}>Add a schedule</button>`}</div>`;
  return html`<${Tabs} /><div class="head"><h1 class="grow">Schedules</h1><div class="tools"><${Search} label="Find a schedule" />
      <${Choice} name="as" label="How they are shown" choices=${[['', 'List'], ['calendar', 'Calendar']]} />
      ${may.value.has('schedule.stop') && all.length > 0 && html`<button class="btn" onClick=${switchAll}>${halted.value ? 'Let all go on' : 'Hold all'}</button>`}
      ${may.value.has('schedule.cron') && html`<label><span class="sr">Kind of schedule</span><select value=${kind.value} onChange=${(event) => { kind.value = event.currentTarget.value; }}>${KINDS.map(([value, words]) => html`<option key=${value} value=${value}>${words}</option>`)}</select></label><button class="btn primary" onClick=${add}>Add</button>`}</div></div>
    ${halted.value && html`<p class="note">All schedules stand still. What is due meanwhile follows its own policy when they go on.</p>`}
    ${query.as === 'calendar' ? html`<${Calendar} rows=${rows} />` : html`<${Table} rows=${rows} columns=${COLUMNS} open=${(row) => go('schedules', row.id)} label="Schedules" only=${ONLY} sort=${{ key: 'next_at', way: 1 }} empty=${none} />`}`;
}
