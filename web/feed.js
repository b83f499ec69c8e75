// Events of the farm into the mirror: which topic changes which row. It must not know views.
import * as farm from './farm.js';
import { link, onEvent, rpc } from './rpc.js';
import { effect, signal } from './html.js';
import { VALUES, chosen, take } from './measured.js';

/** Topics that are told as they are now, and only to who names them; '*' leaves them out. */
const MOMENTS = ['worker.load', 'job.progress', 'task.states', VALUES];
/** After these more rows are otherwise than their events say: the whole farm is one question. */
const ANEW = ['farm.lagged', 'schedule.started', 'schedule.stopped'];
const NEW_AT_ONCE = 20; // jobs; beyond it the whole farm is one question
/** Topics by name that somebody looks at now, with how many look. */
const wanted = new Map([['worker.load', 1], ['job.progress', 1]]);
export const events = signal([]); // the newest of what happened, for the page's own list
let early = []; // events that came before the mirror; null once it is there
let statusDue = 0;
const fresh = new Set(); // jobs whose first line is due
let freshDue = 0;

/** After each connection: listen first, then take in everything; what happened in between is applied after it. */
export async function greet(name) {
  early = early || [];
  await rpc('session.hello', { name, remember: false });
  try {
    const since = farm.seq.last ? { since: farm.seq.last } : {};
    const measured = chosen();
    const { seq } = await rpc('farm.subscribe', { ...measured, topics: ['*', ...wanted.keys(), ...measured.topics], ...since });
    await load(seq);
  } finally { early = null; }
}

/** The whole farm anew, as it was at an event or after it: the gateway's answer may be half a second old. */
async function load(least = 0) {
  early = early || [];
  let mirror = await rpc('farm.mirror', {});
  for (let tries = 0; mirror.seq < least && tries < 4; tries += 1) {
    await new Promise((later) => { setTimeout(later, 250); });
    mirror = await rpc('farm.mirror', {});
  }
  farm.fill(mirror);
  const kept = early;
  early = null;
  for (const [topic, data, number] of kept) apply(topic, data, number);
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

/** Rows follow what is newer than the mirror; of the moment is also what is as new. */
function apply(topic, data, number) {
  if (MOMENTS.includes(topic) ? number < farm.seq.floor : number && number <= farm.seq.floor) return;
  const [noun, verb] = topic.split('.');
  const rows = farm.NOUNS[noun];
  if (topic === 'worker.load') for (const row of data.workers) farm.workers.follow(row);
  else if (topic === 'job.progress') for (const row of data.jobs) farm.jobs.follow(row);
  else if (topic === VALUES) take(data.values);
  else if (topic === 'device.changed' || topic === 'key.changed') rename(noun, data);
  else if (rows && verb === 'changed') {
    if (noun === 'job' && !farm.jobs.map.has(data.id)) lookAtNew(data.id);
    if (noun in farm.OVER && data.state === farm.OVER[noun]) rows.drop(data.id);
    else rows.put(farm.named(noun, data));
  } else if (rows && verb === 'deleted') { rows.drop(data.id); farm.count(noun, -1); } else if (rows && verb === 'created') farm.count(noun, 1);
}

function heard(topic, data, number) {
  if (number) farm.seq.last = Math.max(farm.seq.last, number);
  if (ANEW.includes(topic)) load(number).catch(() => { early = null; });
  else if (early) early.push([topic, data, number]);
  else apply(topic, data, number);
  if (!topic.endsWith('.changed') && topic !== 'step.progress' && topic !== 'farm.lagged' && !MOMENTS.includes(topic)) {
    events.value = [{ topic, data, at: farm.now() }, ...events.value.slice(0, 199)];
  }
  lookSoon();
}

/** How many tasks a new job has no event says: its line is asked for once. */
function lookAtNew(job) {
  fresh.add(job);
  if (freshDue) return;
  freshDue = setTimeout(async () => {
    freshDue = 0;
    const all = [...fresh];
    fresh.clear();
    try {
      if (all.length > NEW_AT_ONCE) await load();
      else for (const one of all) { const { steps, ...row } = await rpc('job.show', { job: String(one) }); farm.jobs.follow({ ...row, steps: steps.length }); }
    } catch { early = null; /* it is gone again, or the farm is: greet loads anew */ }
  }, 250);
}

/** A device or key is called otherwise, or is another machine's. */
function rename(noun, { id, name, ...row }) {
  const about = noun === 'device' ? { device: name, worker_id: row.worker_id } : { key: name, unit: row.unit };
  for (const one of farm.channels.map.values()) if (one[`${noun}_id`] === id) farm.channels.put({ id: one.id, ...about });
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
