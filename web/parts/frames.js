// Which frame a task of a step is, for its name on the page: "1-100x2,7" and chunks, as core/frames.py reads them.

/** All parts [first, last, step] of a range text. */
export function parts(text) {
  return String(text || '').split(',').map((part) => {
    const found = /^\s*(-?\d+)(?:-(-?\d+))?(?:x(-?\d+))?\s*$/.exec(part);
    if (!found) return null;
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    const step = Math.abs(Number(found[3] || 1)) || 1;
    return [first, last, last < first ? -step : step];
  });
}

/** The frame, or frames of the chunk, of a task: "12" or "13-16"; the task's number where the range is read only by the farm. */
export function frameAt(grid, task) {
  const ranges = parts(grid.frames);
  if (!grid.frames || ranges.includes(null)) return String(task);
  const chunk = Number(grid.chunk) || 1;
  const nth = (at) => {
    for (const [first, last, step] of ranges) {
      const many = Math.floor((last - first) / step) + 1;
      if (at < many) return first + at * step;
      at -= many;
    }
    return null;
  };
  const total = ranges.reduce((all, [first, last, step]) => all + Math.floor((last - first) / step) + 1, 0);
  const from = nth(task * chunk);
  const until = nth(Math.min(task * chunk + chunk, total) - 1);
  return from === until ? String(from) : `${from}-${until}`;
}
