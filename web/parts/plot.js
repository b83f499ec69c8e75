// Lines over time on a canvas, an axis for each unit, a band from lowest to highest where a point is a step of time.
// Dragging over it zooms, as fingers, arrow keys and + - do. It must not know channels: lines have a name, a unit and a series.
import { html, useEffect, useLayoutEffect, useRef } from '../html.js';
import { joined } from './series.js';
import { told } from './measure.js';
import { fingers } from './touch.js';

const DASHES = [[], [7, 3], [2, 3], [10, 3, 2, 3]];
export const COLOURS = 8; // then the same again, dashed
const HEIGHT = 340;
const MOST_AXES = 4;
const LEAST_SHARE = 5; // percent from the lowest to the highest that an axis shows
const MINUTE = 60;
const DAY = 86400;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const exact = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Moments on the axis, in the zone of who looks: the day where it begins, else the time of day. */
function moments(plot, splits, axis, space, step) {
  let before = '';
  return splits.map((at) => {
    const today = day.format(at * 1000);
    const text = step >= DAY ? today : step < MINUTE ? exact.format(at * 1000) : clock.format(at * 1000);
    const shown = step < DAY && today !== before ? `${text}\n${today}` : text;
    before = today;
    return shown;
  });
}

/** What an axis shows. Shares that hardly differ are drawn as if they hardly did, and none is above the whole. */
function reach(Plotter, unit, low, high) {
  if (low === null) return [0, 1];
  if (unit !== '%') return Plotter.rangeNum(low, high, 0.1, true);
  const more = Math.max(0, LEAST_SHARE - (high - low)) / 2;
  const [least, most] = [low < 0 ? -Infinity : 0, high > 100 ? Infinity : 100];
  const shift = Math.max(0, least - (low - more)) - Math.max(0, high + more - most);
  const [from, to] = Plotter.rangeNum(low - more + shift, high + more + shift, 0.1, true);
  return [Math.max(least, from), Math.min(most, to)];
}

const token = (style, name) => style.getPropertyValue(name).trim();
const faint = (colour) => `${colour}2e`; // tokens of lines are six hex digits

export const letterOf = (colour) => String.fromCharCode(97 + colour);

/** A line's letter at its right end, so that nobody depends on colour. */
function letter(plot, { colour }, place) {
  const values = plot.data[3 * place + 1];
  const last = values.findLastIndex((value) => typeof value === 'number');
  if (last < 0) return;
  const { ctx } = plot;
  const pixels = devicePixelRatio || 1;
  const series = plot.series[3 * place + 1];
  ctx.save();
  ctx.font = `700 ${12 * pixels}px sans-serif`;
  ctx.textAlign = 'right';
  ctx.lineWidth = 3 * pixels;
  ctx.strokeStyle = token(getComputedStyle(document.documentElement), '--sheet');
  ctx.fillStyle = token(getComputedStyle(document.documentElement), `--p-${colour % COLOURS}`);
  const [x, y] = [plot.valToPos(plot.data[0][last], 'x', true) - 3 * pixels, plot.valToPos(values[last], series.scale, true) - 5 * pixels];
  ctx.strokeText(letterOf(colour), x, y);
  ctx.fillText(letterOf(colour), x, y);
  ctx.restore();
}

function options(Plotter, lines, width, look, zoom, hover) {
  const style = getComputedStyle(document.documentElement);
  const [ink, grid] = [token(style, '--ink-2'), token(style, '--line')];
  const font = `11px ${token(style, '--font')}`;
  const units = [...new Set(lines.map((one) => one.unit))];
  const most = width < 600 ? 2 : MOST_AXES;
  const scales = { x: { time: true, range: () => [look.current.from, look.current.to] } };
  const axes = [{ stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, values: moments, size: 40, space: 74 }];
  units.forEach((unit, place) => {
    scales[`y${place}`] = { range: (plot, low, high) => reach(Plotter, unit, low, high) };
    if (place < most) axes.push({ scale: `y${place}`, side: place % 2 ? 1 : 3, label: unit || ' ', labelSize: 18, labelFont: font, font, size: 54, stroke: ink, grid: { show: place === 0, stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, values: (plot, splits) => splits.map(told) });
  });
  const series = [{}];
  const bands = [];
  lines.forEach((one, place) => {
    const colour = token(style, `--p-${one.colour % COLOURS}`);
    const common = { scale: `y${units.indexOf(one.unit)}`, spanGaps: false };
    series.push({ ...common, label: one.name, stroke: colour, width: 1.6, dash: DASHES[Math.floor(one.colour / COLOURS) % DASHES.length], points: { show: (plot) => plot.data[0].length < 60 } });
    for (const edge of [0, 1]) series.push({ ...common, label: `${one.name} ${edge}`, stroke: 'transparent', width: 0, points: { show: false } });
    bands.push({ series: [3 * place + 3, 3 * place + 2], fill: faint(colour) });
  });
  return {
    width, height: HEIGHT, scales, axes, series, bands, legend: { show: false }, padding: [10, units.length > 1 ? 0 : 14, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: (plot, place) => place % 3 === 1, size: 7 } },
    hooks: {
      setSelect: [(plot) => {
        const { left, width: wide } = plot.select;
        if (wide > 5) zoom(plot.posToVal(left, 'x'), plot.posToVal(left + wide, 'x'));
        if (wide) plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
      draw: [(plot) => { if (lines.length > 1) lines.forEach((one, place) => letter(plot, one, place)); }],
      setCursor: [(plot) => { const { left } = plot.cursor; hover(left >= 0 ? plot.posToVal(left, 'x') : null); }],
    },
  };
}

/**
 * lines: [{ name, unit, colour (a number), series, holds }]; window(): { from, to }; version: a signal that says "draw again".
 * zoom(from, to); reset(): the usual stretch; hover(moment or null); keys(name) for a key that moves; words: what it shows, in words.
 */
export function Plot({ lines, window: seen, version, zoom, reset, hover, keys, words, measured }) {
  const box = useRef(null);
  const plot = useRef(null);
  const look = useRef(seen());
  const shape = lines.map((one) => `${one.colour}/${one.unit}/${one.name}`).join('\n');
  const now = useRef(null);
  now.current = { lines, seen, zoom, reset, hover };
  const held = useRef(null); // the stretch that fingers have moved to, until they leave

  const columns = () => { look.current = held.current || now.current.seen(); return joined(now.current.lines, look.current.from, look.current.to); };
  useLayoutEffect(() => {
    let here = true;
    let made = null;
    let width = 0;
    const make = (Plotter) => {
      if (made) made.destroy();
      made = plot.current = new Plotter(options(Plotter, now.current.lines, width, look, (from, to) => now.current.zoom(from, to), (at) => now.current.hover(at)), columns(), box.current);
      const show = (from, to) => { held.current = to ? { from, to } : null; if (plot.current) plot.current.setData(columns()); };
      fingers(made.over, { begin: () => look.current, show, settle: (from, to) => { held.current = null; now.current.zoom(from, to); }, reset: () => now.current.reset() });
    };
    let again = () => {};
    const seen_ = new ResizeObserver(() => {
      const wide = box.current.clientWidth;
      if (!wide || wide === width) return;
      width = wide;
      measured(wide);
      again();
    });
    import('../vendor/uplot.mjs').then(({ default: Plotter }) => {
      if (!here) return;
      again = () => { if (width) make(Plotter); };
      again();
    });
    seen_.observe(box.current);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const theme = () => again();
    scheme.addEventListener('change', theme);
    addEventListener('brender-theme', theme);
    return () => { here = false; seen_.disconnect(); scheme.removeEventListener('change', theme); removeEventListener('brender-theme', theme); if (made) made.destroy(); plot.current = null; };
  }, [shape]);
  useEffect(() => version.subscribe(() => { if (plot.current) plot.current.setData(columns()); }), [shape]);

  const key = (event) => {
    const name = { ArrowLeft: 'earlier', ArrowRight: 'later', '+': 'closer', '=': 'closer', '-': 'wider' }[event.key];
    if (name && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); keys(name); }
  };
  return html`<div class="plot" ref=${box} tabindex="0" role="img" aria-label="${words} Arrow keys move in time, + and - zoom." onKeyDown=${key} style="min-height:${HEIGHT}px"></div>`;
}
