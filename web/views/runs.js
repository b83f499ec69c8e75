// What became of schedules: as chips of a day and as lines. The farm remembers; here moments become words.
import { html } from '../html.js';
import { schedules } from '../farm.js';
import { to } from '../route.js';
import { matching } from '../parts/filter.js';
import { State } from '../parts/state.js';
import { clockOf, count, secondOf, span } from '../parts/time.js';

const WORST = ['error', 'missed', 'unknown', 'overlapped', 'running', 'ok'];
const WORDS = {
  missed: 'nobody could run it in time', overlapped: 'it still ran, so this was left out', running: 'goes on',
  unknown: 'it was done, but the master stopped before it had the answer',
};

/** When it began; of what did not begin, when it was due. */
export const whenRan = (run) => run.fired_at ?? run.due_at;
export const nameOf = (run) => run.name || run.command;
export const outcomeOf = (run) => WORDS[run.outcome] || `${run.code ? `${run.code} ` : ''}${(run.said || 'done').replace(/^OK /, '')}`;

/** Those of the schedules that are shown, and of removed ones that the filter fits. */
const shown = (past, rows) => matching(past.filter((run) => !schedules.get(run.schedule)), (run) => `${run.name} ${run.command}`).concat(past.filter((run) => rows.has(run.schedule)));

/** The runs between two moments, in order. */
export const runsIn = (past, rows, from, until) => shown(past, rows).filter((run) => whenRan(run) >= from && whenRan(run) < until).sort((a, b) => whenRan(a) - whenRan(b) || a.run - b.run);

/** Those of one schedule together, what went wrong first: [[worst run, how many]…]. */
export function bySchedule(runs) {
  const found = new Map();
  for (const run of runs) {
    const [worst, number] = found.get(run.schedule) || [run, 0];
    found.set(run.schedule, [WORST.indexOf(run.outcome) < WORST.indexOf(worst.outcome) ? run : worst, number + 1 + (run.more || 0)]);
  }
  return [...found.values()].sort(([a], [b]) => WORST.indexOf(a.outcome) - WORST.indexOf(b.outcome));
}

/** How late it began, and how long it took, where either is worth a word. */
function pace(run) {
  const late = run.fired_at - run.due_at;
  const took = run.ended_at - run.fired_at;
  return run.fired_at ? [late >= 1 && `${span(late)} late`, run.ended_at && took >= 0.1 && `took ${span(took)}`].filter(Boolean).join(', ') : '';
}

export function Run({ run, named, dated }) {
  return html`<li><span class="faint">${(dated ? secondOf : clockOf)(whenRan(run))}</span> <${State} is=${run.outcome} /> ${named && html`${schedules.get(run.schedule) ? html`<a href=${to('schedules', run.schedule)}>${nameOf(run)}</a>` : html`<span>${nameOf(run)} <span class="faint">(removed)</span></span>`} `}<span class="dim">${outcomeOf(run)}</span> <span class="faint">${pace(run)}</span>${run.more > 0 && html` <span class="faint">and ${count(run.more)} more that day</span>`}</li>`;
}
