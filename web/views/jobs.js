// All jobs: how far each is, when it will be done, and what may be done with it.
import { html, useEffect, useRef, useState } from '../html.js';
import { fills, floors, jobs, may, totals } from '../farm.js';
import { rpc } from '../rpc.js';
import { go, route, to } from '../route.js';
import { Bar, percent } from '../parts/bar.js';
import { Choice, Search, matching } from '../parts/filter.js';
import { State, ofJob } from '../parts/state.js';
import { Table } from '../parts/table.js';
import { complain, say } from '../parts/toast.js';
import { count, dayOf, span } from '../parts/time.js';

const FITS = {
  '': () => true,
  active: (row) => row.desired === 'run' && !['success0', 'error', 'stopped'].includes(row.state),
  failed: (row) => (row.progress && row.progress.failed > 0) || String(row.state).startsWith('error'),
  done: (row) => row.state === 'success0',
};
const A_PART = 500; // jobs of one answer
const PATIENCE = 250; // ms after a key until the farm is asked
const ONLY = ['job.run', 'job.pause', 'job.resume', 'job.requeue', 'job.stop', 'job.delete'];

async function prioritise(row, value) {
  const priority = Math.max(0, Math.min(100, value));
  if (priority === row.priority) return;
  try {
    await rpc('job.priority', { job: String(row.id), priority });
    say(`${row.name} has priority ${priority}.`, { undo: may.value.has('session.undo') });
  } catch (error) { complain(error); }
}

/** A number that is dragged up and down, also by a finger, or stepped with the arrow keys; Escape lets go of it. */
export function Priority({ row }) {
  const [moved, setMoved] = useState(null); // while it is dragged
  const from = useRef(null);
  if (!(row.can || []).includes('job.priority')) return row.priority;
  const leave = () => { from.current = null; setMoved(null); };
  const drag = (event) => { if (from.current) setMoved(Math.max(0, Math.min(100, from.current.value + Math.round((from.current.y - event.clientY) / 4)))); };
  return html`<button class="btn quiet small drag" role="spinbutton" aria-label="Priority of ${row.name}" aria-valuenow=${moved ?? row.priority} aria-valuemin="0" aria-valuemax="100" title="Drag up or down"
    onPointerDown=${(event) => { from.current = { y: event.clientY, value: row.priority }; event.currentTarget.setPointerCapture(event.pointerId); event.stopPropagation(); }}
    onPointerMove=${drag} onPointerCancel=${leave} onPointerUp=${() => { if (from.current && moved !== null) prioritise(row, moved); leave(); }}
    onKeyDown=${(event) => { const way = { ArrowUp: 5, ArrowDown: -5 }[event.key]; if (event.key === 'Escape') leave(); if (way) { event.preventDefault(); event.stopPropagation(); prioritise(row, row.priority + way); } }}>${moved ?? row.priority}</button>`;
}

const COLUMNS = [
  { key: 'name', label: 'Job', width: 'minmax(70px,2.2fr)', cell: (row) => html`<a href=${to('jobs', row.id)}>${row.name}</a> <span class="faint">${row.project}</span>` },
  { key: 'state', label: 'State', width: '106px', phone: '17px', value: ofJob, cell: (row) => html`<${State} is=${ofJob(row)} />` },
  { key: 'progress', label: 'Progress', width: 'minmax(44px,1.6fr)', value: (row) => percent(row.progress), cell: (row) => html`<${Bar} progress=${row.progress} label=${row.name} />` },
  { key: 'percent', label: '%', width: '40px', num: true, value: (row) => percent(row.progress), cell: (row) => percent(row.progress) },
  { key: 'failed', label: 'Failed', width: '62px', num: true, narrow: false, value: (row) => (row.progress ? row.progress.failed : 0), cell: (row) => (row.progress && row.progress.failed ? html`<span class="state s-error" style="justify-content:flex-end"><b>${count(row.progress.failed)}</b></span>` : '') },
  { key: 'remaining', label: 'Left', width: '96px', num: true, narrow: false, value: (row) => row.remaining ?? 1e12, cell: (row) => (row.remaining ? span(row.remaining) : '') },
  { key: 'priority', label: 'Priority', width: '76px', num: true, narrow: false, cell: (row) => html`<${Priority} row=${row} />` },
  { key: 'submitter', label: 'By', width: 'minmax(60px,0.7fr)', narrow: false, cell: (row) => html`<span class="dim">${row.submitter}</span>` },
  { key: 'created_at', label: 'Submitted', width: '138px', narrow: false, cell: (row) => html`<span class="dim">${dayOf(row.created_at)}</span>` },
];

/** Jobs from the farm that are older than those that are held; they are rows like the others then. */
async function older(given) {
  const found = await rpc('job.mirror', { limit: A_PART, ...given });
  for (const row of found.jobs) if (!jobs.map.has(row.id)) jobs.put(row);
  return { more: found.more, total: found.total, of: found.of, last: found.jobs.length ? found.jobs[found.jobs.length - 1].id : 0 };
}

/** What the list is of, where the farm has more jobs than the page: all that fit are asked of the farm. */
function Extent({ shown }) {
  const { q = '', state = '' } = route.value.query;
  const filtered = Boolean(q.trim() || state);
  const [found, setFound] = useState(null); // null: under way
  const [busy, setBusy] = useState(false);
  const asked = { words: q, which: state || 'all' };
  const more = (before) => { setBusy(true); return older({ ...asked, ...before }).then(setFound, complain).finally(() => setBusy(false)); };
  useEffect(() => {
    setFound(null);
    if (!filtered) return undefined;
    const timer = setTimeout(more, PATIENCE, {});
    return () => clearTimeout(timer);
  }, [q, state, fills.value]);
  const all = totals.value.job;
  const next = async () => {
    if (filtered) { await more({ before: found.last }); return; }
    setBusy(true);
    try { floors.value = { ...floors.value, job: (await older({ before: floors.value.job })).last || floors.value.job }; } catch (error) { complain(error); } finally { setBusy(false); }
  };
  const words = !filtered ? `The newest ${count(jobs.size)} of ${count(all)} jobs.`
    : !found ? `Searching all ${count(all)} jobs…`
    : found.more ? `The newest ${count(shown)} of ${count(found.total)} that fit, of ${count(found.of)} jobs.` : `All ${count(found.of)} jobs were searched.`;
  return html`<p class="extent dim" role="status">${words} ${(filtered ? found && found.more : jobs.size < all) && html`<button class="btn small" disabled=${busy} onClick=${next}>${filtered ? 'More' : 'Older ones'}</button>`}${!filtered && html`<span class="faint"> A filter searches all of them.</span>`}</p>`;
}

export function Jobs() {
  const { query } = route.value;
  const all = jobs.all;
  const rows = matching(all.filter(FITS[query.state] || FITS['']), (row) => `${row.name} ${row.project} ${row.submitter} ${row.state} ${(row.tags || []).join(' ')}`);
  const nothing = html`<div class="empty"><h2>${all.length ? 'No job is like that' : 'Nothing to render yet'}</h2>
    ${all.length ? html`<p>Take the filter back to see all ${all.length}.</p>` : html`<p>Choose a .blend here, or submit one from a shell:</p><code>brender render scene.blend</code><a class="btn primary" href=${to('submit')}>Submit a job</a>`}</div>`;
  return html`
    <div class="head"><h1 class="grow">Jobs</h1><div class="tools"><${Search} label="Find a job" />
      <${Choice} name="state" label="Which jobs" choices=${[['', 'All'], ['active', 'Active'], ['failed', 'Failed'], ['done', 'Done']]} />
      <a class="btn primary" href=${to('submit')}>Submit</a></div></div>
    ${totals.value.job > jobs.size && html`<${Extent} shown=${rows.length} />`}
    <${Table} rows=${rows} columns=${COLUMNS} open=${(row) => go('jobs', row.id)} label="Jobs" only=${ONLY} sort=${{ key: 'created_at', way: -1 }} empty=${nothing} />`;
}
