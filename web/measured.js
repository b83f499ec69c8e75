// What channels measure now: the last value of each and the line of those before it, told while somebody looks.
// It must not know views, nor what was measured long ago (parts/series.js).
import { batch, computed, effect, signal } from './html.js';
import { channels, fills, totals } from './farm.js';
import { rpc } from './rpc.js';

export const VALUES = 'channel.values';
const TREND = 24; // numbers of a line
const AT_ONCE = 200; // lines of one question
const A_PART = 1000; // channels of one answer
const cells = new Map(); // channel -> signal of { at, value, trend }
const coming = new Map(); // what will be shown with the next frame
const asked = new Set(); // channels whose line is known, or under way
const wanted = new Set();
let due = false;
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

/** A view begins to look: lines that were not followed meanwhile are asked for anew. */
export function lookAnew() { asked.clear(); }

/** The line of a channel is about to be shown: ask for it, together with the others of the same moment. */
export function look(id) {
  if (asked.has(id)) return;
  asked.add(id);
  wanted.add(id);
  if (due) return;
  due = true;
  setTimeout(ask, 30);
}

async function ask() {
  due = false;
  const all = [...wanted];
  wanted.clear();
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE).filter((id) => channels.map.has(id));
    try {
      const found = some.length ? await rpc('channel.list', { channels: some, trend: true, limit: AT_ONCE }) : { channels: [] };
      for (const row of found.channels) put(row.id, row.at, row.value, row.trend);
    } catch { for (const id of some) asked.delete(id); /* one of them is gone, or the farm is: the next look asks again */ }
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

/** All channels of a farm that has more of them than its mirror holds, once after each fill. */
export async function complete() {
  const fill = fills.value;
  if (whole === fill) return;
  whole = fill;
  try {
    for (let at = channels.map.size; at < totals.value.channel && fill === fills.value; at += A_PART) {
      const found = await rpc('channel.mirror', { offset: at, limit: A_PART });
      for (const row of found.channels) if (!channels.map.has(row.id)) channels.put(row);
    }
  } catch { whole = 0; /* the farm is away: asked again after the next fill */ }
}

/** After the mirror was taken in: what it says is newer, and lines have a hole. */
effect(() => {
  if (!fills.value) return;
  asked.clear();
  for (const row of channels.map.values()) put(row.id, row.at, row.value);
});
