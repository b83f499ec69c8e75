// Events of the farm into the mirror: which topic changes which row. It must not know views.
import * as farm from './farm.js';
import { link, onEvent, rpc } from './rpc.js';
import { effect, signal } from './html.js';

const steps = new Map(); // job -> Map(step -> counts), for jobs of several steps
const asking = new Set();
let statusDue = 0;

/** Topics by name that somebody looks at now, with how many look. */
const wanted = new Map();
export const events = signal([]); // the newest of what happened, for the page's own list

/** After each connection: what happened since, or everything anew. */
export async function greet(name) {
  await rpc('session.hello', { name, remember: false });
  const topics = ['*', ...wanted.keys()];
  if (farm.seq.last) {
    const again = await rpc('farm.subscribe', { topics, since: farm.seq.last });
    if (again.resumed) return;
  }
  const mirror = await rpc('farm.mirror', {});
  steps.clear();
  farm.fill(mirror);
  const begun = await rpc('farm.subscribe', { topics, since: mirror.seq });
  if (!begun.resumed) throw new Error('the farm moves faster than it can be read');
}

/** Hear a topic that is only sent when asked for by name, while a view is open; returns how to stop. */
export function listenTo(topic) {
  wanted.set(topic, (wanted.get(topic) || 0) + 1);
  if (wanted.get(topic) === 1) rpc('farm.subscribe', { topics: [topic] }).catch(() => {});
  return () => {
    wanted.set(topic, wanted.get(topic) - 1);
    if (wanted.get(topic) > 0) return;
    wanted.delete(topic);
    rpc('farm.unsubscribe', { topics: [topic] }).catch(() => {});
  };
}

const DONE = 7;
const LIVE = [3, 4, 5, 6, 12];
const READY = [1, 2, 14];
const FAILED = [8, 9, 10, 11, 13];
const sum = (counts, which) => which.reduce((total, state) => total + counts[state], 0);

function progressed({ job, step, counts }) {
  const row = farm.jobs.map.get(job);
  if (!row) return;
  const known = steps.get(job) || steps.set(job, new Map()).get(job);
  known.set(step, counts);
  if (known.size < (Array.isArray(row.steps) ? row.steps.length : row.steps)) {
    learn(job, known);
    return;
  }
  const total = counts.map((_, state) => [...known.values()].reduce((all, one) => all + one[state], 0));
  const progress = { done: total[DONE], failed: sum(total, FAILED), live: sum(total, LIVE), ready: sum(total, READY), total: total.reduce((a, b) => a + b, 0) };
  farm.jobs.put({ id: job, progress });
}

/** The other steps of a job, once; their events keep them afterwards. */
async function learn(job, known) {
  if (asking.has(job)) return;
  asking.add(job);
  try {
    const answer = await rpc('step.list', { job: String(job), limit: 1000 });
    for (const one of answer.steps) {
      if (known.has(one.id)) continue;
      const counts = new Array(farm.states.value.length).fill(0);
      counts[DONE] = one.progress.done;
      counts[8] = one.progress.failed;
      counts[4] = one.progress.live;
      counts[1] = one.progress.ready;
      counts[0] = one.progress.total - one.progress.done - one.progress.failed - one.progress.live - one.progress.ready;
      known.set(one.id, counts);
    }
  } catch { /* the row keeps what the mirror said */ } finally {
    asking.delete(job);
  }
}

function heard(topic, data, number) {
  if (number) farm.seq.last = Math.max(farm.seq.last, number);
  const [noun, verb] = topic.split('.');
  const rows = farm.NOUNS[noun];
  if (topic === 'step.progress') progressed(data);
  else if (rows && (verb === 'changed' || verb === 'created')) rows.put(data);
  else if (rows && verb === 'deleted') rows.drop(data.id);
  else if (topic === 'farm.lagged') rpc('farm.mirror', {}).then(farm.fill, () => {});
  if (verb !== 'changed' && topic !== 'step.progress' && topic !== 'task.states') {
    events.value = [{ topic, data, at: farm.now() }, ...events.value.slice(0, 199)];
  }
  lookSoon();
}

/** Sums of the farm (slots used, tasks by state): asked for once things have changed, at most once a second. */
function lookSoon() {
  if (statusDue) return;
  statusDue = setTimeout(async () => {
    statusDue = 0;
    if (link.value !== 'live' || document.hidden) return;
    try { farm.status.value = await rpc('farm.status'); } catch { /* the next event asks again */ }
  }, 1000);
}

export function start() {
  onEvent(heard);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) lookSoon(); });
  effect(() => { if (link.value === 'live') lookSoon(); });
}
