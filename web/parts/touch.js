// Fingers on a plot: one moves in time, two hold the moments under them, two quick taps go back. A mouse is not its business.
// It must not know what is plotted: stretches of time go out.

const MOVED = 6; // px until a tap is a move
const NEAREST = 24; // px between two fingers, nearer ones would zoom without end
const TWICE = 350; // ms between two taps

/**
 * Follow fingers on an element. begin(): { from, to } that is shown; show(from, to) as they move, or nothing to take it back;
 * settle(from, to) when they leave; reset() for a double tap.
 */
export function fingers(element, { begin, show, settle, reset }) {
  const points = new Map(); // pointer -> x
  let held = null; // the stretch and the fingers when their number changed last
  let shown = null;
  let tapped = -Infinity;
  const places = () => [...points.values()].sort((a, b) => a - b);
  const hold = () => { held = points.size ? { ...(shown || begin()), at: places() } : null; };

  function stretch() {
    const { from, to, at } = held;
    const wide = element.clientWidth;
    const now = places();
    if (at.length < 2) { const moved = ((now[0] - at[0]) * (to - from)) / wide; return { from: from - moved, to: to - moved }; }
    const [a, b] = at.map((x) => from + (x * (to - from)) / wide); // the moments under the fingers
    const span = ((b - a) / Math.max(NEAREST, now[1] - now[0])) * wide;
    const begins = (a + b) / 2 - (((now[0] + now[1]) / 2) * span) / wide;
    return { from: begins, to: begins + span };
  }

  const x = (event) => event.clientX - element.getBoundingClientRect().left;
  element.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch' || points.size > 1) return;
    points.set(event.pointerId, x(event));
    hold();
  });
  element.addEventListener('pointermove', (event) => {
    if (!points.has(event.pointerId)) return;
    points.set(event.pointerId, x(event));
    if (!shown && places().every((one, place) => Math.abs(one - held.at[place]) < MOVED)) return;
    shown = stretch();
    show(shown.from, shown.to);
  });
  element.addEventListener('pointerup', (event) => {
    if (!points.delete(event.pointerId)) return;
    if (points.size) { hold(); return; }
    if (shown) settle(shown.from, shown.to);
    else if (event.timeStamp - tapped < TWICE) reset();
    else tapped = event.timeStamp;
    held = shown = null;
  });
  element.addEventListener('pointercancel', () => { // the browser scrolls the page with them
    points.clear();
    held = shown = null;
    show();
  });
}
