// Measured values over time as plots take them: answers of reading.range, what comes live behind them, and several channels
// on one axis of time. Plain functions of their arguments: no farm, no page, no clock.

/** Points over a stretch of time. Of steps `times` are their beginnings, and lowest, highest and counts go along. */
export function seriesOf({ step, source, times, values, lowest, highest, counts }) {
  return { step, source, times: [...times], values: [...values], lowest: [...lowest], highest: [...highest], counts: [...counts], before: null };
}

const isNumber = (value) => typeof value === 'number';

/** A sample that came live: a point of its own, or part of the step that it is in. Late ones were answered already. */
export function append(series, at, value) {
  const end = series.times.length - 1;
  if (!series.step) {
    if (end >= 0 && at <= series.times[end]) return false;
    series.times.push(at);
    series.values.push(value);
    return true;
  }
  if (!isNumber(value)) return false;
  const begin = Math.floor(at / series.step) * series.step;
  if (end >= 0 && begin < series.times[end]) return false;
  if (end >= 0 && begin === series.times[end]) {
    const many = series.counts[end] + 1;
    series.counts[end] = many;
    series.values[end] += (value - series.values[end]) / many;
    series.lowest[end] = Math.min(series.lowest[end], value);
    series.highest[end] = Math.max(series.highest[end], value);
    return true;
  }
  series.times.push(begin);
  series.values.push(value);
  series.lowest.push(value);
  series.highest.push(value);
  series.counts.push(1);
  return true;
}

/** Let go of what lies before a moment; the last number of it is what held then. */
export function trim(series, begin) {
  let many = 0;
  while (many < series.times.length && series.times[many] + series.step < begin) {
    if (isNumber(series.values[many])) series.before = series.values[many];
    many += 1;
  }
  if (!many) return;
  for (const column of ['times', 'values']) series[column].splice(0, many);
  if (series.step) for (const column of ['lowest', 'highest', 'counts']) series[column].splice(0, many);
}

/** Whether there is something to draw: texts and lists are only told. */
export const isDrawn = (series) => series.values.some(isNumber) || isNumber(series.before);

/** [time, value, lowest, highest] of each point of a channel between two moments; a step stands in its middle. */
function points(series, from, to, holds) {
  const found = [];
  if (isNumber(series.before) && !(series.times[0] <= from)) found.push([from, series.before, series.before, series.before]);
  series.times.forEach((at, place) => {
    const value = isNumber(series.values[place]) ? series.values[place] : null;
    const middle = Math.max(from, Math.min(to, at + series.step / 2));
    found.push([middle, value, series.step ? series.lowest[place] : value, series.step ? series.highest[place] : value]);
  });
  const last = found[found.length - 1];
  if (holds && last && last[1] !== null && last[0] < to) found.push([to, last[1], last[1], last[1]]); // what does not change is kept seldom
  return found;
}

/** Columns for uPlot: times, then mean, lowest and highest of each series. `undefined`: no point here; null: a gap. */
export function joined(all, from, to) {
  const found = all.map(({ series, holds }) => points(series, from, to, holds));
  const times = [...new Set(found.flatMap((line) => line.map(([at]) => at)))].sort((a, b) => a - b);
  const places = new Map(times.map((at, place) => [at, place]));
  const columns = [times];
  for (const line of found) {
    const [mean, low, high] = [0, 1, 2].map(() => new Array(times.length).fill(undefined));
    for (const [at, value, lowest, highest] of line) {
      const place = places.get(at);
      mean[place] = value;
      low[place] = lowest;
      high[place] = highest;
    }
    columns.push(mean, low, high);
  }
  return columns;
}

/** What was measured at a moment: the newest point at or before it. */
export function valueAt(series, at) {
  let [low, high] = [0, series.times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (series.times[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low ? series.values[low - 1] : series.before;
}

/** The figures of a series, in place of a picture; null where it has no number. */
export function figures(series) {
  const { step, values, lowest, highest, counts } = series;
  let [sum, many, low, high] = [0, 0, Infinity, -Infinity];
  values.forEach((value, place) => {
    if (!isNumber(value)) return;
    const weight = step ? counts[place] : 1;
    sum += value * weight;
    many += weight;
    low = Math.min(low, step ? lowest[place] : value);
    high = Math.max(high, step ? highest[place] : value);
  });
  if (!many) return isNumber(series.before) ? { last: series.before, lowest: series.before, highest: series.before, mean: series.before, many: 0 } : null;
  return { last: values.findLast(isNumber), lowest: low, highest: high, mean: sum / many, many };
}
