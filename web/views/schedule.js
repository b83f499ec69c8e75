// One schedule: what it runs, when next and after that, what came of it, and by which policies.
import { html, useEffect, useState } from '../html.js';
import { fills, now, schedules } from '../farm.js';
import { rpc } from '../rpc.js';
import { to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { State } from '../parts/state.js';
import { Tabs } from '../parts/tabs.js';
import { count, dayOf, inZone, span } from '../parts/time.js';
import { Run } from './runs.js';
import { armed, called, doesOf, lastOf, whenOf } from './schedules.js';

const MISFIRE = { skip: 'left out', run_once: 'run once, as soon as may be' };
const OVERLAP = { skip: 'left out', queue: 'run right after' };

export function Schedule({ id }) {
  const row = schedules.get(Number(id));
  const [{ coming, past }, setShown] = useState({ coming: [], past: [] });
  useEffect(() => {
    let here = true;
    rpc('schedule.show', { uuid: Number(id) }).then((found) => { if (here) setShown(found); }, () => {});
    return () => { here = false; };
  }, [id, row && row.version, fills.value]);
  if (!row) return html`<${Tabs} /><div class="empty"><h2>There is no schedule ${id}</h2><p>It may have been removed.</p><a class="btn" href=${to('schedules')}>All schedules</a></div>`;
  const [last, words] = lastOf(row);
  const facts = [['Runs', html`<code>${row.kind === 'calendar' ? doesOf(row) : row.command}</code>`], ['When', whenOf(row)], ['By', `${row.owner || '–'}${row.role ? `, as ${row.role}` : ''}`],
    ['Missed', `what nobody could run in time is ${MISFIRE[row.misfire] || row.misfire}`], ['Busy', `what is due while it still runs is ${OVERLAP[row.overlap] || row.overlap}`], ['Made', dayOf(row.created_at)], ['Id', html`<span class="mono">${row.uuid}</span>`]];
  return html`<${Tabs} /><div class="head"><div class="grow"><p class="crumbs"><a href=${to('schedules')}>Schedules</a></p><h1>${row.kind === 'calendar' ? doesOf(row) : called(row)}</h1></div><${State} is=${row.state} /><div class="tools"><${Actions} rows=${[row]} /></div></div>
    <div class="split"><div><section class="panel"><header><h2>Next</h2></header>
      ${armed(row) ? html`<ul class="why">${coming.map((at, place) => html`<li key=${at}>${dayOf(at)} <span class="faint">${inZone(at, row.tz)}</span>${place === 0 && html` <span class="dim">in ${span(Math.max(0, at - now()))}</span>`}</li>`)}</ul>` : html`<p class="dim">${row.next_at ? 'It is held: nothing is due.' : 'It is not due again.'}</p>`}</section>
      <section class="panel"><header><h2 class="grow">Last</h2><span class="dim">${count(row.runs)} ${row.runs === 1 ? 'run' : 'runs'}</span></header><p>${last && html`<${State} is=${last} /> `}<span class="dim">${row.last_at ? dayOf(row.last_at) : ''}</span></p><p style="margin-top:6px;white-space:pre-wrap;overflow-wrap:anywhere">${words}</p>
        ${past.length > 1 && html`<ul class="why" aria-label="Runs before">${past.slice(1).map((run) => html`<${Run} key=${run.run} run=${run} dated />`)}</ul>`}</section></div>
    <aside class="panel"><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></aside></div>`;
}
