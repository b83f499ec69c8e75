// One task of a job: its attempts, its picture, its log, and running it again.
import { html, useEffect, useState } from '../html.js';
import { may } from '../farm.js';
import { rpc } from '../rpc.js';
import { refine } from '../route.js';
import { Log } from './logs.js';
import { frameAt } from '../parts/frames.js';
import { State } from '../parts/state.js';
import { Why } from '../parts/why.js';
import { complain, say } from '../parts/toast.js';
import { clockOf, span } from '../parts/time.js';

export function Task({ job, step, task, grid }) {
  grid.version.value;
  const state = grid.states[task];
  const [history, setHistory] = useState(null);
  const [reading, setReading] = useState(false);
  const where = `${job.id}/${step.name}`;
  useEffect(() => {
    let here = true;
    rpc('task.history', { step: where, task }).then((found) => { if (here) setHistory(found); }, () => {});
    return () => { here = false; };
  }, [where, task, state]);
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
  const attempts = (history && history.attempts) || [];
  return html`<section class="panel"><header><h2 class="grow">${grid.frames ? `Frame ${frameAt(grid, task)}` : `Task ${task}`}</h2><${State} is=${label} />
      ${ended && may.value.has('task.retry') && html`<button class="btn small" onClick=${again}>Run again</button>`}
      ${live && may.value.has('task.kill') && html`<button class="btn small danger" onClick=${kill}>End it</button>`}
      <button class="btn small" aria-pressed=${reading} onClick=${() => setReading(!reading)}>Log</button>
      <button class="btn quiet small" aria-label="Close" onClick=${() => refine({ task: '' })}>×</button></header>
    ${attempts.length ? html`<ul class="why">${attempts.map((one) => html`<li key=${one.attempt}><${State} is=${one.state} /> <span class="dim">on ${one.worker}, ${clockOf(one.started_at || one.assigned_at)}${one.seconds ? `, ${span(one.seconds)}` : ''}${one.memory_mb ? `, ${one.memory_mb} MB` : ''}</span>${one.reason && html`<div>${one.reason}</div>`}</li>`)}</ul>` : !live && !ended && html`<${Why} name=${where} task=${task} watch=${state} />`}
    ${reading && (attempts.length ? html`<${Log} key=${attempts.length} step=${where} task=${task} />` : html`<p class="dim">It has printed nothing yet: it has not run.</p>`)}</section>`;
}
