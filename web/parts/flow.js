// The steps of a job drawn from left to right: what waits for what, how far each is. It reads rows, it decides nothing.
import { html } from '../html.js';
import { percent } from './bar.js';
import { look } from './state.js';

const WIDE = 168;
const HIGH = 52;
const GAP_X = 56;
const GAP_Y = 12;

/** These steps and all that they wait for in their turn. */
function reached(lines, ids) {
  const all = new Set(ids);
  for (const id of all) for (const [from, to] of lines) if (to === id) all.add(from);
  return all;
}

/**
 * Who waits for whom, as [from, to, how] by ids: what a step names (`after`; "name:frame" waits task by task), and the
 * nearest `await` steps at lower places, for which everything at a higher place waits, unless that is said already.
 */
export function arrows(steps) {
  const byName = new Map(steps.map((one) => [one.name, one]));
  const found = [];
  const places = [...new Set(steps.map((one) => one.place))].sort((a, b) => a - b);
  let bars = [];
  for (const place of places) {
    const here = steps.filter((one) => one.place === place);
    for (const step of here) {
      const named = new Set();
      for (const words of step.after || []) {
        const frame = words.endsWith(':frame');
        const other = byName.get(frame ? words.slice(0, -6) : words);
        if (other) { named.add(other.id); found.push([other.id, step.id, frame ? 'frame' : 'whole']); }
      }
      const behind = reached(found, named);
      for (const bar of bars) if (!behind.has(bar.id)) found.push([bar.id, step.id, 'place']);
    }
    const waited = here.filter((one) => one.exec === 'await');
    if (waited.length) bars = waited;
  }
  return found;
}

/** Column of each step: one after the last of those that it waits for. */
function columns(steps, lines) {
  const depth = new Map(steps.map((one) => [one.id, 0]));
  for (let round = 0; round < steps.length; round += 1) {
    let moved = false;
    for (const [from, to] of lines) if (depth.get(to) <= depth.get(from)) { depth.set(to, depth.get(from) + 1); moved = true; }
    if (!moved) break;
  }
  return depth;
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** steps: rows of step.list. pick(id): a click or Enter. */
export function Flow({ steps, chosen, pick }) {
  const lines = arrows(steps);
  const depth = columns(steps, lines);
  const rows = new Map();
  const place = new Map();
  for (const step of steps) {
    const column = depth.get(step.id);
    const row = rows.get(column) || 0;
    rows.set(column, row + 1);
    place.set(step.id, [column * (WIDE + GAP_X) + 2, row * (HIGH + GAP_Y) + 2]);
  }
  const width = (Math.max(...depth.values()) + 1) * (WIDE + GAP_X) - GAP_X + 4;
  const height = Math.max(...rows.values()) * (HIGH + GAP_Y) - GAP_Y + 4;
  const waiters = (id) => lines.filter(([, to]) => to === id).map(([from]) => steps.find((one) => one.id === from).name);
  return html`<div class="flow" tabindex="0" role="group" aria-label="Steps, and what waits for what"><svg width=${width} height=${height} viewBox="0 0 ${width} ${height}">
    <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" /></marker></defs>
    ${lines.map(([from, to, how]) => {
      const [x, y] = place.get(from);
      const [u, v] = place.get(to);
      const [a, b] = [x + WIDE, y + HIGH / 2];
      const [c, d] = [u, v + HIGH / 2];
      return html`<path key=${`${from}.${to}`} class="edge ${how}" d="M${a} ${b}C${a + GAP_X / 2} ${b} ${c - GAP_X / 2} ${d} ${c - 2} ${d}" marker-end="url(#tip)" />`;
    })}
    ${steps.map((one) => {
      const [x, y] = place.get(one.id);
      const [token, letter] = look(one.state);
      const waits = waiters(one.id);
      const words = `${one.name}: ${one.state}, ${percent(one.progress)} percent${waits.length ? `, waits for ${waits.join(', ')}` : ''}`;
      const press = (event) => { if (event.type === 'click' || event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pick(one.id); } };
      return html`<g key=${one.id} class="node s-${token}" role="button" tabindex="0" aria-label=${words} aria-pressed=${one.id === chosen} transform="translate(${x} ${y})" onClick=${press} onKeyDown=${press}>
        <title>${words}</title><rect width=${WIDE} height=${HIGH} rx="8" /><text class="letter" x="12" y="21">${letter}</text><text x="30" y="21">${cut(one.name, 18)}</text>
        <text class="small" x="12" y="37">${cut(`${one.function} ${one.frames}`, 24)}</text><rect class="track" x="12" y="43" width=${WIDE - 24} height="3" rx="1.5" /><rect class="done" x="12" y="43" width=${((WIDE - 24) * percent(one.progress)) / 100} height="3" rx="1.5" /></g>`;
    })}</svg></div>`;
}
