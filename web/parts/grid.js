// The frame grid: one cell a task on a canvas, so that 100,000 of them cost a few milliseconds. Only changed cells are drawn
// again. It knows states as numbers and colours by token; what a cell means is the caller's.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { look } from './state.js';

const GAP = 1;
const HIGHEST = 560; // px; beyond it cells get smaller, down to one pixel, before it scrolls

/** A cell's size for so many in a width: big where they are few, so that they can be hit. */
export function sizeOf(count, width) {
  for (const size of [26, 22, 18, 15, 12, 10, 8, 6, 5, 4, 3]) {
    if (Math.ceil(count / Math.max(1, Math.floor(width / (size + GAP)))) * (size + GAP) <= HIGHEST) return size;
  }
  return 2;
}

/** tokens: label -> CSS colour, read anew when the theme changes. */
function colours(labels) {
  const style = getComputedStyle(document.documentElement);
  return labels.map((label) => style.getPropertyValue(`--s-${look(label)[0]}`).trim());
}

function mixed(a, b, part) {
  const hex = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const [from, to] = [hex(a), hex(b)];
  return `rgb(${from.map((one, at) => Math.round(one + (to[at] - one) * part)).join(' ')})`;
}

/** How to draw one cell: by its state or its time, crossed where it failed, framed where it is picked. */
function brush(pen, { grid, heat, picked, size, columns, slowest }) {
  const palette = colours(grid.labels);
  const style = getComputedStyle(document.documentElement);
  const [cold, hot, ink] = ['--heat-0', '--heat-1', '--ink'].map((name) => style.getPropertyValue(name).trim());
  return (at) => {
    const x = (at % columns) * (size + GAP);
    const y = Math.floor(at / columns) * (size + GAP);
    const state = grid.states[at];
    pen.fillStyle = heat && state === 7 && grid.tenths[at] ? mixed(cold, hot, Math.min(1, grid.tenths[at] / slowest)) : palette[state];
    pen.globalAlpha = state <= 3 || state === 14 ? 0.38 : 1;
    pen.clearRect(x, y, size, size);
    pen.fillRect(x, y, size, size);
    pen.globalAlpha = 1;
    if (size >= 10 && (state === 8 || state === 9 || state === 11 || state === 12)) { // failed: visible without colour, too
      pen.strokeStyle = '#fff';
      pen.lineWidth = Math.max(1.5, size / 9);
      pen.beginPath();
      pen.moveTo(x + size * 0.28, y + size * 0.28); pen.lineTo(x + size * 0.72, y + size * 0.72);
      pen.moveTo(x + size * 0.72, y + size * 0.28); pen.lineTo(x + size * 0.28, y + size * 0.72);
      pen.stroke();
    }
    if (at === picked) { pen.strokeStyle = ink; pen.lineWidth = 2; pen.strokeRect(x + 1, y + 1, size - 2, size - 2); }
  };
}

/** Draw the cells that changed, or all where the canvas is another one now. Returns the shape of what was drawn. */
function paint(made, { grid, heat, picked, scale, all }) {
  const count = grid.states.length;
  const ratio = devicePixelRatio || 1;
  const width = made.parentNode.clientWidth;
  const size = sizeOf(count, width);
  const columns = Math.max(1, Math.floor((width + GAP) / (size + GAP)));
  const height = Math.max(1, Math.ceil(count / columns)) * (size + GAP);
  if (all || made.width !== Math.round(width * ratio) || made.height !== Math.round(height * ratio)) {
    made.width = Math.round(width * ratio);
    made.height = Math.round(height * ratio);
    made.style.height = `${height}px`;
    all = true;
  }
  const pen = made.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  if (heat && grid.slowest > scale.current * 1.1) all = true; // what was the hottest is so no more
  if (all) scale.current = grid.slowest;
  const cell = brush(pen, { grid, heat, picked, size, columns, slowest: scale.current });
  if (all || !grid.changed) for (let at = 0; at < count; at += 1) cell(at);
  else for (const at of grid.changed) cell(at);
  grid.changed = new Set();
  return { size, columns };
}

/**
 * grid: { states: Uint8Array, tenths: Uint16Array, slowest, labels, version signal, changed: Set of indexes or null for all }
 * heat: colour successes by their time. nameOf(index) for the tooltip; pick(index) on click or Enter.
 */
export function Grid({ grid, heat, pick, picked, nameOf, preview, label }) {
  const canvas = useRef(null);
  const shape = useRef({ size: 10, columns: 1 });
  const [tip, setTip] = useState(null);
  const cursor = useRef(0);
  const scale = useRef(1); // tenths of a second that the hottest colour stands for
  const count = grid.states.length;

  function draw(all) {
    if (canvas.current) shape.current = paint(canvas.current, { grid, heat, picked, scale, all });
  }

  useLayoutEffect(() => { draw(true); }, [grid, heat, picked, count]);
  useEffect(() => grid.version.subscribe(() => draw(false)), [grid, heat, picked]);
  useEffect(() => {
    const again = () => draw(true);
    const seen = new ResizeObserver(again);
    seen.observe(canvas.current.parentNode);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', again);
    addEventListener('brender-theme', again);
    return () => { seen.disconnect(); scheme.removeEventListener('change', again); removeEventListener('brender-theme', again); };
  }, [grid, heat, picked]);

  function at(event) {
    const { size, columns } = shape.current;
    const box = canvas.current.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / (size + GAP));
    const index = Math.floor((event.clientY - box.top) / (size + GAP)) * columns + column;
    return column < columns && index >= 0 && index < count ? index : -1;
  }
  function move(event) {
    const index = at(event);
    setTip(index < 0 ? null : { index, x: Math.min(event.clientX + 14, innerWidth - 250), y: Math.min(event.clientY + 16, innerHeight - 190) });
  }
  function key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: shape.current.columns, ArrowUp: -shape.current.columns }[event.key];
    if (step !== undefined) {
      cursor.current = Math.max(0, Math.min(count - 1, (picked ?? cursor.current) + step));
      pick(cursor.current);
      event.preventDefault();
    } else if (event.key === 'Enter') pick(cursor.current);
  }
  return html`<div class="framegrid">
    <canvas ref=${canvas} tabindex="0" role="img" aria-label="${label}. Arrow keys choose a frame." onMouseMove=${move} onMouseLeave=${() => setTip(null)} onClick=${(event) => { const index = at(event); if (index >= 0) pick(index); }} onKeyDown=${key}></canvas>
    ${tip && tip.index < count && html`<div class="tip" style="left:${tip.x}px;top:${tip.y}px">${nameOf(tip.index)}${preview && grid.states[tip.index] === 7 && html`<img src=${preview(tip.index)} alt="" onError=${(event) => event.currentTarget.remove()} />`}</div>`}
  </div>`;
}
