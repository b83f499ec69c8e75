// One job: its frames as a grid, the last picture large, its steps, why it waits, what it cost.
import { html, signal, useEffect, useMemo, useState } from '../html.js';
import { fills, jobs, now } from '../farm.js';
import { listenTo } from '../feed.js';
import { onEvent, rpc } from '../rpc.js';
import { refine, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Bar, percent } from '../parts/bar.js';
import { Grid } from '../parts/grid.js';
import { State, look, ofJob } from '../parts/state.js';
import { Why } from '../parts/why.js';
import { Task } from './task.js';
import { count, dayOf, span } from '../parts/time.js';
import { frameAt } from '../parts/frames.js';

const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const SUCCESS = 7;

/** The tasks of a step, kept current by its own events. A number alone would mean the job of that id: `where` is JOB/STEP. */
export function useGrid(step, where) {
  const [grid, setGrid] = useState(null);
  useEffect(() => {
    if (!step) return undefined;
    let here = true;
    let made = null;
    let early = [];
    const take = ({ changes, anew }) => {
      if (anew) { load(); return; }
      for (const [at, state, tenths] of changes) {
        made.states[at] = state;
        made.tenths[at] = state === SUCCESS ? tenths || 0 : 0;
        if (state === SUCCESS) made.last = at;
        if (made.changed) made.changed.add(at);
      }
      made.version.value += 1;
    };
    const load = () => {
      made = null;
      rpc('task.grid', { step: where }).then((found) => {
        if (!here) return;
        made = { ...found, states: bytesOf(found.states), tenths: new Uint16Array(bytesOf(found.seconds).buffer), version: signal(0), changed: null, last: -1 };
        made.last = made.states.lastIndexOf(SUCCESS);
        const kept = early;
        early = [];
        for (const [number, data] of kept) if (number >= found.seq) take(data);
        if (made) setGrid(made);
      }, () => {});
    };
    const quiet = listenTo('task.states');
    const stop = onEvent((topic, data, number) => {
      if (topic === 'step.changed' && data.id === step && made && data.frames !== made.frames) load();
      if (topic !== 'task.states' || data.step !== step) return;
      if (made) take(data);
      else early.push([number, data]);
    });
    load();
    return () => { here = false; stop(); quiet(); };
  }, [step, fills.value]);
  return grid;
}

function Legend({ grid }) {
  grid.version.value;
  const counts = {};
  for (const state of grid.states) { const label = grid.labels[state]; counts[label] = (counts[label] || 0) + 1; }
  return html`<div class="legend">${Object.entries(counts).map(([label, many]) => html`<span key=${label} class="state s-${look(label)[0]}"><i aria-hidden="true">${look(label)[1]}</i>${label} ${count(many)}</span>`)}</div>`;
}

/** The newest picture large, and the ones before it to choose from. */
function Pictures({ job, step, grid }) {
  grid.version.value;
  const [chosen, setChosen] = useState(null);
  const [none, setNone] = useState(false);
  const done = [];
  for (let at = grid.states.length - 1; at >= 0 && done.length < 40; at -= 1) if (grid.states[at] === SUCCESS) done.push(at);
  const shown = chosen ?? (grid.last >= 0 ? grid.last : done[0]);
  if (shown === undefined || none) return null;
  const url = (kind, at) => `${kind}/${job}/${step}/${at}`;
  return html`<section class="panel"><header><h2 class="grow">Frame ${frameAt(grid, shown)}</h2><a class="btn small" href=${url('frame', shown)} target="_blank" rel="noopener">Full size</a></header>
    <div class="shot"><img key=${shown} src=${url('preview', shown)} alt="Frame ${frameAt(grid, shown)}" onError=${() => setNone(true)} /></div>
    <div class="strip" role="group" aria-label="Newest frames">${done.slice().reverse().map((at) => html`<button key=${at} aria-pressed=${at === shown} aria-label="Frame ${frameAt(grid, at)}" onClick=${() => setChosen(at)}><img loading="lazy" src=${url('preview', at)} alt="" /><span>${frameAt(grid, at)}</span></button>`)}</div></section>`;
}

function Movie({ job, step }) {
  const [there, setThere] = useState(true);
  if (!there) return null;
  return html`<section class="panel"><header><h2>Movie</h2></header><div class="shot"><video controls loop muted playsinline src="movie/${job}" onError=${() => setThere(false)}></video></div></section>`;
}

function Steps({ steps, chosen, job }) {
  return html`<section class="panel"><header><h2>Steps</h2></header><ul class="why">${steps.map((one) => html`<li key=${one.id}>
    <div style="display:flex;gap:10px;align-items:center"><button class="btn quiet small ${one.id === chosen ? '' : ''}" aria-pressed=${one.id === chosen} onClick=${() => refine({ step: one.id, task: '' })}>${one.place}. ${one.name}</button><span class="faint grow ell">${one.function} ${one.frames}</span><${State} is=${one.state} /></div>
    <${Bar} progress=${one.progress} label=${one.name} />
    ${(one.after || []).length > 0 && html`<div class="faint">waits for ${one.after.join(', ')}</div>`}</li>`)}</ul></section>`;
}

export function Job({ id }) {
  const job = jobs.get(Number(id));
  const [steps, setSteps] = useState([]);
  const [history, setHistory] = useState(null);
  const [heat, setHeat] = useState(false);
  const { query } = route.value;
  const progress = job && job.progress;
  const due = progress ? Math.floor((20 * (progress.done + progress.failed)) / Math.max(1, progress.total)) : 0;
  useEffect(() => {
    let here = true;
    rpc('step.list', { job: String(id), limit: 500 }).then((found) => { if (here) setSteps(found.steps); }, () => {});
    rpc('job.history', { job: String(id) }).then((found) => { if (here) setHistory(found); }, () => {});
    return () => { here = false; };
  }, [id, job && job.state, due]);
  const step = useMemo(() => steps.find((one) => String(one.id) === query.step) || steps.find((one) => one.function === 'blender') || steps[0], [steps, query.step]);
  const grid = useGrid(step && step.id, step && `${id}/${step.name}`);
  if (!job) return html`<div class="empty"><h2>There is no job ${id}</h2><p>It may have been deleted.</p><a class="btn" href=${to('jobs')}>All jobs</a></div>`;
  const picked = query.task === undefined || query.task === '' ? undefined : Number(query.task);
  const hours = history ? history.machine_hours : null;
  const waits = job.desired === 'run' && progress && progress.live === 0 && progress.ready > 0;
  const spent = job.started_at ? (job.ended_at || now()) - job.started_at : null;
  return html`
    <div class="head"><div class="grow"><p class="crumbs"><a href=${to('jobs')}>Jobs</a> / ${job.project}</p><h1>${job.name}</h1></div><${State} is=${ofJob(job)} /><div class="tools"><${Actions} rows=${[job]} /></div></div>
    <section class="panel"><div class="figures"><div><b>${percent(progress)} %</b><span>${count(progress && progress.done)} of ${count(progress && progress.total)} done</span></div>
      ${progress && progress.failed > 0 && html`<div><b style="color:var(--s-error)">${count(progress.failed)}</b><span>failed</span></div>`}
      <div><b>${job.remaining ? span(job.remaining) : '–'}</b><span>left, as if alone</span></div><div><b>${span(spent)}</b><span>since the start</span></div>
      ${hours !== null && html`<div><b>${hours < 10 ? hours.toFixed(2) : Math.round(hours)}</b><span>machine hours</span></div>`}
      <div><b>${job.priority}</b><span>priority</span></div></div><div style="margin-top:14px"><${Bar} progress=${progress} label=${job.name} /></div></section>
    ${waits && html`<section class="panel"><header><h2>Why it waits</h2></header><${Why} name=${job.id} watch=${`${progress.ready}.${job.version}`} /></section>`}
    <div class="split" style="margin-top:16px"><div>
      ${grid && html`<section class="panel"><header><h2 class="grow">${step.name} <span class="faint">${grid.frames}</span></h2><div class="seg" role="group" aria-label="Colour by"><button aria-pressed=${!heat} onClick=${() => setHeat(false)}>State</button><button aria-pressed=${heat} onClick=${() => setHeat(true)}>Time</button></div></header>
        <${Grid} grid=${grid} heat=${heat} picked=${picked} pick=${(at) => refine({ task: String(at), step: step.id })} preview=${step.function === 'blender' ? (at) => `preview/${job.id}/${step.id}/${at}` : null}
          nameOf=${(at) => `${grid.frames ? `Frame ${frameAt(grid, at)}` : `Task ${at}`}: ${grid.labels[grid.states[at]]}${grid.tenths[at] ? `, ${span(grid.tenths[at] / 10)}` : ''}`} label="${count(grid.tasks)} tasks of ${step.name}" /><${Legend} grid=${grid} /></section>`}
      ${grid && picked !== undefined && picked < grid.tasks && html`<${Task} key=${`${step.id}.${picked}`} job=${job} step=${step} task=${picked} grid=${grid} />`}
    </div><aside>
      ${grid && step.function === 'blender' && html`<${Pictures} key=${step.id} job=${job.id} step=${step.id} grid=${grid} />`}
      ${steps.some((one) => one.function === 'movie' && one.state === 'success0') && html`<${Movie} job=${job.id} />`}
      <${Steps} steps=${steps} chosen=${step && step.id} job=${job} />
      <section class="panel"><header><h2>About</h2></header><dl class="facts"><dt>By</dt><dd>${job.submitter || '–'}</dd><dt>Submitted</dt><dd>${dayOf(job.created_at)}</dd><dt>Started</dt><dd>${dayOf(job.started_at)}</dd><dt>Ended</dt><dd>${dayOf(job.ended_at)}</dd><dt>Run</dt><dd>${job.run}</dd>${(job.after || []).length > 0 && html`<dt>After</dt><dd>${job.after.join(', ')}</dd>`}</dl></section>
    </aside></div>`;
}
