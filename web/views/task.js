// One task of a job: its picture, its attempts, the log of any of them, and running it again.
import { html, useEffect, useState } from '../html.js';
import { fills, may } from '../farm.js';
import { rpc } from '../rpc.js';
import { refine, route } from '../route.js';
import { Log } from './logs.js';
import { picture } from '../parts/filmstrip.js';
import { frameAt } from '../parts/frames.js';
import { State } from '../parts/state.js';
import { Why } from '../parts/why.js';
import { complain, say } from '../parts/toast.js';
import { clockOf, dayOf, span } from '../parts/time.js';

/** One attempt: how it went, and its log beside it. */
function Attempt({ one, read, reading }) {
  const end = one.exit_code ? `exit code ${one.exit_code}` : one.signal ? `signal ${one.signal}` : '';
  const facts = [`on ${one.worker}`, clockOf(one.started_at || one.assigned_at), one.seconds ? span(one.seconds) : '', one.memory_mb ? `${one.memory_mb} MB` : '', end].filter(Boolean).join(', ');
  return html`<li><div class="tools"><${State} is=${one.state} /><span class="dim grow" title=${dayOf(one.started_at || one.assigned_at)}>${facts}</span>
    ${one.started_at && html`<button class="btn quiet small" aria-pressed=${reading} aria-label="Log of attempt ${one.number}" onClick=${() => read(reading ? '' : String(one.attempt))}>Log</button>`}</div>${one.reason && html`<div>${one.reason}</div>`}</li>`;
}

export function Task({ job, step, task, grid }) {
  grid.version.value;
  const state = grid.states[task];
  const [history, setHistory] = useState(null);
  const { log } = route.value.query; // 'newest', or the id of an attempt
  const where = `${job.id}/${step.name}`;
  useEffect(() => {
    let here = true;
    rpc('task.history', { step: where, task }).then((found) => { if (here) setHistory(found); }, () => {});
    return () => { here = false; };
  }, [where, task, state, fills.value]);
  const label = grid.labels[state];
  const live = [3, 4, 5, 6].includes(state);
  const ended = [7, 8, 9, 10, 11, 13].includes(state);
  const again = async () => {
    try {
      const found = await rpc('task.retry', { step: where, tasks: String(task), again: true });
      say(`${found.tasks === 1 ? 'The task' : `${found.tasks} tasks`} will run again.`);
    } catch (error) { complain(error); }
  };
  const kill = async () => { try { await rpc('task.kill', { step: where, tasks: String(task) }); say('Told to end.'); } catch (error) { complain(error); } };
  const read = (which) => refine({ log: which });
  const attempts = (history && history.attempts) || [];
  const begun = attempts.filter((one) => one.started_at);
  const name = grid.frames ? `Frame ${frameAt(grid, task)}` : `Task ${task}`;
  return html`<section class="panel"><header><h2 class="grow">${name}</h2><${State} is=${label} />
      ${ended && may.value.has('task.retry') && html`<button class="btn small" onClick=${again}>Run again</button>`}
      ${live && may.value.has('task.kill') && html`<button class="btn small danger" onClick=${kill}>End it</button>`}
      <button class="btn small" aria-pressed=${log === 'newest'} onClick=${() => read(log === 'newest' ? '' : 'newest')}>Log</button>
      <button class="btn quiet small" aria-label="Close" onClick=${() => refine({ task: '', log: '' })}>×</button></header>
    <div class=${step.function === 'blender' && state === 7 ? 'beside' : ''}>
    ${step.function === 'blender' && state === 7 && html`<a class="shot" href=${picture('frame', job.id, step.id, grid, task)} target="_blank" rel="noopener"><img key=${grid.tenths[task]} src=${picture('preview', job.id, step.id, grid, task)} alt="Preview of ${name}" onError=${(event) => event.currentTarget.parentNode.remove()} /></a>`}
    ${attempts.length ? html`<ul class="why" aria-label="Attempts, newest first">${attempts.map((one) => html`<${Attempt} key=${one.attempt} one=${one} read=${read} reading=${log === String(one.attempt)} />`)}</ul>` : !live && !ended && html`<${Why} name=${where} task=${task} watch=${state} />`}</div>
    ${log && (begun.length ? html`<${Log} key=${log === 'newest' ? begun[0].attempt : log} method="task.log" asked=${{ step: where, task, attempt: log === 'newest' ? begun[0].attempt : Number(log) }} />` : html`<p class="dim">It has printed nothing yet: it has not run.</p>`)}</section>`;
}
