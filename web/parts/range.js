// Which stretch of time is looked at: one that ends now, or one between two moments. It lives in the address.
import { html, useState } from '../html.js';
import { now } from '../farm.js';
import { route, turn } from '../route.js';
import { dayOf } from './time.js';

export const RANGES = [['15m', '15 min', 900], ['1h', '1 h', 3600], ['6h', '6 h', 21600], ['24h', '24 h', 86400], ['7d', '7 d', 604800], ['30d', '30 d', 2592000]];
const USUAL = '1h';
const SHORTEST = 5; // seconds
const LONGEST = 20 * 365 * 86400;

/** { from, to, live, name } of the address; a live one ends at the farm's now. */
export function rangeOf(query) {
  const [from, to] = [Number(query.from), Number(query.to)];
  if (from > 0 && to > from) return { from, to, live: false, name: '' };
  const [name, , seconds] = RANGES.find(([one]) => one === query.range) || RANGES.find(([one]) => one === USUAL);
  return { from: now() - seconds, to: now(), live: true, name };
}

/** Look at these moments, as a step that the back button takes back. What reaches now follows it. */
export function lookAt(from, to) {
  const middle = (from + to) / 2;
  const half = Math.max(SHORTEST, Math.min(LONGEST, to - from)) / 2;
  const end = Math.min(middle + half, now());
  turn({ from: String(Math.max(1, Math.round((end - 2 * half) * 10) / 10)), to: String(Math.round(end * 10) / 10), range: '' });
}

/** The usual time until now. */
export const reset = () => turn({ from: '', to: '', range: '' });

/** earlier, later, closer, wider: half a window in time, or half and twice its length. */
export function move(how) {
  const { from, to, live } = rangeOf(route.value.query);
  const half = (to - from) / 2;
  if (how === 'earlier') lookAt(from - half, to - half);
  else if (how === 'later') { if (!live) lookAt(Math.min(from + half, now() - 2 * half), Math.min(to + half, now())); }
  else if (how === 'closer') lookAt(live ? to - half : from + half / 2, live ? to : to - half / 2);
  else lookAt(live ? to - 4 * half : from - half, live ? to : to + half);
}

/** A moment for a field of the browser, in the zone of who looks, and back. */
const fieldOf = (at) => new Date(at * 1000 - new Date(at * 1000).getTimezoneOffset() * 60000).toISOString().slice(0, 16);
const momentOf = (text) => new Date(text).getTime() / 1000;

export function Range() {
  const { query } = route.value;
  const { from, to, live, name } = rangeOf(query);
  const [open, setOpen] = useState(false);
  const [fields, setFields] = useState(null);
  const given = fields || { from: fieldOf(from), to: fieldOf(to) };
  const set = (which) => (event) => setFields({ ...given, [which]: event.currentTarget.value });
  const send = (event) => {
    event.preventDefault();
    const [begin, end] = [momentOf(given.from), momentOf(given.to)];
    if (!(end > begin)) return;
    setFields(null);
    lookAt(begin, end);
  };
  return html`<div class="tools range"><div class="seg" role="group" aria-label="How much time">${RANGES.map(([key, label]) => html`<button key=${key} aria-pressed=${live && name === key} onClick=${() => turn({ range: key, from: '', to: '' })}>${label}</button>`)}
      <button aria-pressed=${!live} aria-expanded=${open} onClick=${() => setOpen(!open)}>Custom</button></div>
    <div class="seg" role="group" aria-label="Move in time">${[['earlier', '←', 'Earlier'], ['later', '→', 'Later'], ['closer', '+', 'Zoom in'], ['wider', '−', 'Zoom out']].map(([how, sign, label]) => html`<button key=${how} aria-label=${label} title=${label} disabled=${how === 'later' && live} onClick=${() => move(how)}>${sign}</button>`)}</div>
    <span class="dim">${live ? 'to now' : `${dayOf(from)} – ${dayOf(to)}`}</span>
    ${open && html`<form class="tools" onSubmit=${send}><label><span class="sr">From</span><input type="datetime-local" value=${given.from} onInput=${set('from')} required /></label>
      <label><span class="sr">To</span><input type="datetime-local" value=${given.to} onInput=${set('to')} required /></label><button class="btn">Show</button></form>`}</div>`;
}
