// The tasks of a step as numbers, kept current by the step's own events; views are told once a frame. It must not know views.
import { html, signal, useEffect, useState } from '../html.js';
import { fills } from '../farm.js';
import { listenTo } from '../feed.js';
import { onEvent, rpc } from '../rpc.js';
import { look } from './state.js';
import { count, span } from './time.js';

const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const SUCCESS = 7;

/**
 * What task.grid answered, made to change: { states, tenths, counts by state, last: the newest success, slowest: the most
 * tenths of any, version: a signal, changed: indexes that are not drawn yet, or null for all }
 */
class Grid {
  constructor(found) {
    Object.assign(this, found, { states: bytesOf(found.states), tenths: new Uint16Array(bytesOf(found.seconds).buffer), version: signal(0), changed: null, counts: new Uint32Array(found.labels.length), slowest: 1, planned: false });
    for (const state of this.states) this.counts[state] += 1;
    for (const one of this.tenths) if (one > this.slowest) this.slowest = one;
    this.last = this.states.lastIndexOf(SUCCESS);
  }

  take(changes) {
    for (const [at, state, tenths] of changes) {
      this.counts[this.states[at]] -= 1;
      this.counts[state] += 1;
      this.states[at] = state;
      this.tenths[at] = state === SUCCESS ? tenths || 0 : 0;
      if (this.tenths[at] > this.slowest) this.slowest = this.tenths[at];
      if (state === SUCCESS) this.last = at;
      if (this.changed) this.changed.add(at);
    }
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => { this.planned = false; this.version.value += 1; });
  }
}

/** The tasks of a step. A number alone would mean the job of that id: `where` is JOB/STEP. */
export function useGrid(step, where) {
  const [grid, setGrid] = useState(null);
  useEffect(() => {
    if (!step) return undefined;
    let here = true;
    let made = null;
    let early = [];
    const take = ({ changes, anew }) => { if (anew) load(); else made.take(changes); };
    const load = () => {
      made = null;
      rpc('task.grid', { step: where }).then((found) => {
        if (!here) return;
        made = new Grid(found);
        const kept = early;
        early = [];
        for (const [number, data] of kept) if (made && number >= found.seq) take(data);
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

/** How many tasks are in each state, and what the colours of times are. */
export function Legend({ grid, heat }) {
  grid.version.value;
  const shown = new Map(); // several states have one label
  grid.counts.forEach((many, state) => { if (many) shown.set(grid.labels[state], (shown.get(grid.labels[state]) || 0) + many); });
  return html`<div class="legend">${[...shown].map(([label, many]) => html`<span key=${label} class="state s-${look(label)[0]}"><i aria-hidden="true">${look(label)[1]}</i>${label} ${count(many)}</span>`)}${heat && html`<span class="scale">quick<i aria-hidden="true"></i>${span(grid.slowest / 10)}, the slowest</span>`}</div>`;
}
