// How far work is: done, failed and live parts of a whole, with words for those who do not see it.
import { html } from '../html.js';
import { count } from './time.js';

export function Bar({ progress, label }) {
  const all = progress && progress.total ? progress.total : 1;
  const p = progress || { done: 0, failed: 0, live: 0, total: 0 };
  const share = (part) => `width:${(100 * part) / all}%`;
  const words = `${label || 'progress'}: ${count(p.done)} of ${count(p.total)} done${p.failed ? `, ${count(p.failed)} failed` : ''}`;
  return html`<div class="bar" role="progressbar" aria-label=${words} aria-valuemin="0" aria-valuemax=${p.total} aria-valuenow=${p.done} title=${words}>
    <span class="done" style=${share(p.done)}></span><span class="failed" style=${share(p.failed)}></span><span class="live" style=${share(p.live)}></span>
  </div>`;
}

/** A whole percent that says 100 only when all is done. */
export const percent = (p) => (!p || !p.total ? 0 : p.done === p.total ? 100 : Math.min(99, Math.floor((100 * p.done) / p.total)));
