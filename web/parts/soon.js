// Asking again when something has changed, at most so often: what changes all the time is still shown now and then.
import { useEffect, useRef } from '../html.js';

/** Call `ask` at once, and after `changed` differs; with `pause` ms between two calls at least. */
export function useSoon(ask, changed, pause) {
  const state = useRef({ timer: 0, last: -Infinity, ask });
  state.current.ask = ask;
  useEffect(() => {
    const { current } = state;
    if (current.timer) return;
    current.timer = setTimeout(() => {
      current.timer = 0;
      current.last = performance.now();
      current.ask();
    }, Math.max(0, current.last + pause - performance.now()));
  }, [changed]);
  useEffect(() => () => { clearTimeout(state.current.timer); state.current.timer = 1; }, []);
}
