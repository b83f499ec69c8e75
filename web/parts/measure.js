// Measured values as people read them, and the small line of the last ones.
import { html, useEffect } from '../html.js';
import { fills } from '../farm.js';
import { cellOf, complete, follow } from '../measured.js';

const small = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const share = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const large = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** 12.35, 48,120, 3 numbers, a text; – for nothing. */
export function told(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return Math.abs(value) < 10000 ? small.format(value) : large.format(value);
  if (Array.isArray(value)) return `${value.length} numbers`;
  return String(value);
}

export const withUnit = (value, unit) => (unit && typeof value === 'number' ? `${unit === '%' ? share.format(value) : told(value)} ${unit}` : told(value));

/** A view of channels knows all of them, also those that the mirror had no room for. */
export function useMeasured() {
  useEffect(() => { complete(); }, [fills.value]);
}

export function Value({ channel }) {
  useEffect(() => follow(channel.id), [channel.id]);
  const { value } = cellOf(channel.id).value;
  return html`<span class="ell">${withUnit(value, channel.unit)}</span>`;
}

/** The last values as a line; one value is a level, for what does not change is seldom said. The number stands beside it, so it says nothing to those who do not see it. */
export function Spark({ channel, width = 84, height = 22, floor, roof }) {
  if (channel.unit === '%') [floor, roof] = [floor ?? 0, roof ?? 100]; // a share is drawn as one: 99.9 is not far from 100
  const { trend } = cellOf(channel.id).value;
  useEffect(() => follow(channel.id), [channel.id]);
  const low = Math.min(floor ?? Infinity, ...trend);
  const high = Math.max(roof ?? -Infinity, ...trend);
  const x = (at) => 1 + (at * (width - 2)) / Math.max(1, trend.length - 1);
  const y = (value) => (high === low ? height / 2 : height - 2 - ((value - low) * (height - 4)) / (high - low));
  const line = trend.length === 1 ? [trend[0], trend[0]] : trend;
  const points = line.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" width=${width} height=${height} preserveAspectRatio="none" aria-hidden="true">${points.length > 0 && html`<polygon points=${`1,${height} ${points.join(' ')} ${width - 1},${height}`} /><polyline points=${points.join(' ')} />`}</svg>`;
}
