// What channels measure now: the last value of each and the line of those before it, told of those that are shown.
// It must not know views, nor what was measured long ago (parts/series.js).
import { batch, computed, effect, signal } from './html.js';
import { channels, fills, totals } from './farm.js';
import { rpc } from './rpc.js';

export const VALUES = 'channel.values';
const TREND = 24; // numbers of a line
const AT_ONCE = 200; // lines of one question
const A_PART = 1000; // channels of one answer
const SOON = 40; // ms in which what a view begins to show becomes one choice
const AGAIN = 1000; // ms after a refusal
const SPARE = 60; // channels that may be heard beside those that are shown: one who scrolls comes back
const cells = new Map(); // channel -> signal of { at, value, trend }
const coming = new Map(); // what will be shown with the next frame
const shown = new Map(); // channel -> how many places of the page show it
let all = 0; // places that need every channel
let heard = new Set(); // channels that the farm tells us of; null: all
const asked = new Set(); // channels whose value and line are known, or under way
let due = 0;
let planned = false;
let whole = 0; // the fill after which all channels were asked for

/** The signal of one channel's newest value; who reads it follows it, and nothing else. */
export function cellOf(id) {
  if (!cells.has(id)) {
    const row = channels.map.get(id) || {};
    cells.set(id, signal({ at: row.at ?? null, value: row.value ?? null, trend: [] }));
  }
  return cells.get(id);
}

function show() {
  planned = false;
  batch(() => { for (const [id, found] of coming) cellOf(id).value = found; });
  coming.clear();
}

function put(id, at, value, trend) {
  const known = coming.get(id) || cellOf(id).peek();
  if (at === null || (known.at !== null && at < known.at) || (at === known.at && !trend)) return;
  const line = trend || (typeof value === 'number' ? [...known.trend.slice(1 - TREND), value] : known.trend);
  coming.set(id, { at, value, trend: line });
  if (planned) return;
  planned = true;
  if (document.hidden) setTimeout(show, 500);
  else requestAnimationFrame(show);
}

/** What channel.values tells: [[channel, time, value], …]. */
export function take(values) {
  for (const [id, at, value] of values) put(id, at, value);
}

/** A place of the page shows this channel; returns how it stops. */
export function follow(id) {
  shown.set(id, (shown.get(id) || 0) + 1);
  chooseSoon();
  return () => {
    if (shown.get(id) > 1) shown.set(id, shown.get(id) - 1);
    else shown.delete(id);
    chooseSoon();
  };
}

/** A place needs what every channel measures now, a table that is sorted by it for one; returns how it stops. */
export function followAll() {
  all += 1;
  chooseSoon();
  everyOne((row) => { channels.put(row); put(row.id, row.at, row.value); }).catch(() => {});
  return () => { all -= 1; chooseSoon(); };
}

function chooseSoon() {
  if (!due) due = setTimeout(choose, SOON);
}

/** What a subscription says of what is shown: { topics, channels }. */
export function chosen() {
  if (heard && !heard.size) return { topics: [] };
  return { topics: [VALUES], ...(heard ? { channels: [...heard] } : {}) };
}

/** Hear what is shown, and then ask how it is: so nothing is missed between. */
async function choose() {
  due = 0;
  const before = heard;
  const isNew = before && [...shown.keys()].some((id) => !before.has(id));
  if (all) heard = null;
  else if (!before || isNew || before.size > 2 * shown.size + SPARE || !shown.size) heard = new Set(shown.keys());
  if (heard) for (const id of asked) if (!heard.has(id)) asked.delete(id);
  try {
    if (heard === before || (heard && before && !heard.size && !before.size)) { /* it is heard already */ }
    else if (heard && !heard.size) await rpc('farm.unsubscribe', { topics: [VALUES] });
    else await rpc('farm.subscribe', chosen());
    await ask();
  } catch { heard = before; /* the farm is away: asked again after the next fill */ }
}

async function ask() {
  const missing = [...shown.keys()].filter((id) => !asked.has(id) && channels.map.has(id));
  for (const id of missing) asked.add(id);
  for (let at = 0; at < missing.length; at += AT_ONCE) {
    const some = missing.slice(at, at + AT_ONCE).filter((id) => channels.map.has(id));
    try {
      const found = some.length ? await rpc('channel.list', { channels: some, trend: true, limit: AT_ONCE }) : { channels: [] };
      for (const row of found.channels) put(row.id, row.at, row.value, row.trend);
    } catch (error) { // one of them is gone, which its event says; or the farm is, and the next fill asks again
      for (const id of some) asked.delete(id);
      if (error.code) setTimeout(chooseSoon, AGAIN);
    }
  }
}

/** The channels of each machine's own devices: { worker id: [channel, …] }, by name. */
export const ofMachines = computed(() => {
  const found = new Map();
  for (const row of channels.all) {
    if (!row.worker_id) continue;
    if (!found.has(row.worker_id)) found.set(row.worker_id, []);
    found.get(row.worker_id).push(row);
  }
  for (const rows of found.values()) rows.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return found;
});

/** The machine's own channel of a key such as cpu, the first of several. */
export const ownChannel = (worker, key) => (ofMachines.value.get(worker) || []).find((row) => row.key === key);

/** Each row of the farm's channels from a place on, as they are now. */
async function everyOne(take_, from = 0) {
  const fill = fills.value;
  for (let at = from; at < totals.value.channel && fill === fills.value; at += A_PART) {
    const found = await rpc('channel.mirror', { offset: at, limit: A_PART });
    found.channels.forEach(take_);
  }
}

/** All channels of a farm that has more of them than its mirror holds, once after each fill. */
export async function complete() {
  const fill = fills.value;
  if (whole === fill) return;
  whole = fill;
  try {
    await everyOne((row) => { if (!channels.map.has(row.id)) channels.put(row); }, channels.map.size);
  } catch { whole = 0; /* the farm is away: asked again after the next fill */ }
}

/** After the mirror was taken in: what it says is newer, and lines have a hole. */
effect(() => {
  if (!fills.value) return;
  asked.clear();
  for (const row of channels.map.values()) put(row.id, row.at, row.value);
  chooseSoon();
});
