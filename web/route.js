// Where the page is, in the address after #: deep links, filters and the back button come from it.
import { signal } from './html.js';

/** { path: ['jobs', '12'], query: { state: 'running' } } */
export const route = signal(read());

/** A part of an address as text; one that was written wrong stays as it is. */
function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function read() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decoded), query: Object.fromEntries(new URLSearchParams(query || '')) };
}

addEventListener('hashchange', () => { route.value = read(); });

export const to = (...path) => `#/${path.map(encodeURIComponent).join('/')}`;
export const go = (...path) => { location.hash = to(...path); };

/** Change what is filtered without a step in the history. */
export function refine(query) {
  const kept = Object.fromEntries(Object.entries({ ...route.value.query, ...query }).filter(([, value]) => value));
  const words = new URLSearchParams(kept).toString();
  history.replaceState(null, '', `${to(...route.value.path)}${words ? `?${words}` : ''}`);
  route.value = read();
}

/** The same as a step in the history: the back button takes it back. */
export function turn(query) {
  const kept = Object.fromEntries(Object.entries({ ...route.value.query, ...query }).filter(([, value]) => value));
  const words = new URLSearchParams(kept).toString();
  location.hash = `${to(...route.value.path)}${words ? `?${words}` : ''}`;
}
