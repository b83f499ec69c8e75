// One job: its frames as a grid, the last picture large, its steps, why it waits, what it cost.
import { html, useEffect, useMemo, useState } from '../html.js';
import { fills, jobs, now } from '../farm.js';
import { rpc } from '../rpc.js';
import { refine, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Bar, percent } from '../parts/bar.js';
import { Made, Pictures, picture } from '../parts/filmstrip.js';
import { Flow } from '../parts/flow.js';
import { Grid } from '../parts/grid.js';
import { State, ofJob } from '../parts/state.js';
import { Legend, useGrid } from '../parts/tasks.js';
import { Why } from '../parts/why.js';
import { Priority } from './jobs.js';
import { Task } from './task.js';
import { clockOf, count, dayOf, span } from '../parts/time.js';
import { frameAt } from '../parts/frames.js';

/** A time of today by the clock, of another day with its day. */
const when = (at) => (new Date(at * 1000).toDateString() === new Date().toDateString() ? clockOf(at).replace(/(\d+:\d+):\d+/, '$1') : dayOf(at));

export function Job({ id }) {
  const job = jobs.get(Number(id));
  const [steps, setSteps] = useState([]);
  const [history, setHistory] = useState(null);
  const [files, setFiles] = useState(null);
  const [heat, setHeat] = useState(false);
  const { query } = route.value;
  const progress = job && job.progress;
  const due = progress ? Math.floor((20 * (progress.done + progress.failed)) / Math.max(1, progress.total)) : 0;
  useEffect(() => {
    let here = true;
    rpc('step.list', { job: String(id), limit: 500 }).then((found) => { if (here) setSteps(found.steps); }, () => {});
    rpc('job.files', { job: String(id) }).then((found) => { if (here) setFiles(found); }, () => {});
    rpc('job.history', { job: String(id) }).then((found) => { if (here) setHistory(found); }, () => {});
    return () => { here = false; };
  }, [id, job && job.state, due, fills.value]);
  const step = useMemo(() => steps.find((one) => String(one.id) === query.step) || steps.find((one) => one.function === 'blender') || steps[0], [steps, query.step]);
  const grid = useGrid(step && step.id, step && `${id}/${step.name}`);
  const [missing, setMissing] = useState(false); // of the farm, not only of what the page holds
  useEffect(() => {
    if (job) return;
    rpc('job.mirror', { before: Number(id) + 1 || 1, limit: 1 }).then((found) => { const row = found.jobs.find((one) => one.id === Number(id)); if (row) jobs.put(row); setMissing(!row); }, () => setMissing(true));
  }, [id, !job, fills.value]);
  if (!job && !missing) return html`<div class="empty"><h2>Looking for job ${id}…</h2></div>`;
  if (!job) return html`<div class="empty"><h2>There is no job ${id}</h2><p>It may have been deleted.</p><a class="btn" href=${to('jobs')}>All jobs</a></div>`;
  const picked = query.task === undefined || query.task === '' ? undefined : Number(query.task);
  const pick = (at) => refine({ task: String(at), step: String(step.id), log: query.log === 'newest' ? 'newest' : '' });
  const hours = history ? history.machine_hours : null;
  const waits = job.desired === 'run' && progress && progress.live === 0 && progress.ready > 0;
  const spent = job.started_at ? (job.ended_at || now()) - job.started_at : null;
  return html`
    <div class="head"><div class="grow"><p class="crumbs"><a href=${to('jobs')}>Jobs</a> / ${job.project}</p><h1>${job.name}</h1></div><${State} is=${ofJob(job)} /><div class="tools"><${Actions} rows=${[job]} /></div></div>
    <section class="panel"><div class="figures"><div><b>${percent(progress)} %</b><span>${count(progress && progress.done)} of ${count(progress && progress.total)} done</span></div>
      ${progress && progress.failed > 0 && html`<div><b style="color:var(--s-error)">${count(progress.failed)}</b><span>failed</span></div>`}
      <div><b>${job.remaining ? span(job.remaining) : '–'}</b><span>left, as if alone${job.remaining ? `: ${when(now() + job.remaining)}` : ''}</span></div><div><b>${span(spent)}</b><span>since the start</span></div>
      ${hours !== null && html`<div><b>${hours < 10 ? hours.toFixed(2) : Math.round(hours)}</b><span>machine hours, all runs</span></div>`}
      <div><b><${Priority} row=${job} /></b><span>priority</span></div></div><div style="margin-top:14px"><${Bar} progress=${progress} label=${job.name} /></div></section>
    ${waits && html`<section class="panel"><header><h2>Why it waits</h2></header><${Why} name=${job.id} watch=${`${progress.ready}.${job.version}`} /></section>`}
    ${steps.length > 1 && html`<section class="panel"><header><h2>Steps</h2><span class="dim">${count(steps.length)}, a line from what is waited for</span></header><${Flow} steps=${steps} chosen=${step && step.id} pick=${(one) => refine({ step: String(one), task: '', log: '' })} /></section>`}
    <div class="split" style="margin-top:16px"><div>
      ${grid && html`<section class="panel"><header><h2 class="grow">${step.name} <span class="faint">${grid.frames}</span></h2><div class="seg" role="group" aria-label="Colour by"><button aria-pressed=${!heat} onClick=${() => setHeat(false)}>State</button><button aria-pressed=${heat} onClick=${() => setHeat(true)}>Time</button></div></header>
        <${Grid} grid=${grid} heat=${heat} picked=${picked} pick=${pick} preview=${step.function === 'blender' ? (at) => picture('preview', job.id, step.id, grid, at) : null}
          nameOf=${(at) => `${grid.frames ? `Frame ${frameAt(grid, at)}` : `Task ${at}`}: ${grid.labels[grid.states[at]]}${grid.tenths[at] ? `, ${span(grid.tenths[at] / 10)}` : ''}`} label="${count(grid.tasks)} tasks of ${step.name}" /><${Legend} grid=${grid} heat=${heat} /></section>`}
      ${grid && picked !== undefined && picked < grid.tasks && html`<${Task} key=${`${step.id}.${picked}`} job=${job} step=${step} task=${picked} grid=${grid} />`}
      ${grid && step.function === 'blender' && html`<${Pictures} key=${step.id} job=${job.id} step=${step.id} grid=${grid} pick=${pick} />`}
    </div><aside>
      <${Made} job=${job.id} steps=${steps} />
      <section class="panel"><header><h2>About</h2></header><dl class="facts"><dt>By</dt><dd>${job.submitter || '–'}</dd><dt>Submitted</dt><dd>${dayOf(job.created_at)}</dd><dt>Started</dt><dd>${dayOf(job.started_at)}</dd><dt>Ended</dt><dd>${dayOf(job.ended_at)}</dd><dt>Run</dt><dd>${job.run}</dd>${((files && files.folders) || []).map((one) => html`<dt>Frames</dt><dd class="mono">${one.path}</dd>`)}${(job.tags || []).length > 0 && html`<dt>Pool</dt><dd>${job.tags.join(', ')}</dd>`}${(job.after || []).length > 0 && html`<dt>After</dt><dd>${job.after.join(', ')}</dd>`}</dl></section>
    </aside></div>`;
}
