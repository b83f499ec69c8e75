// A search field and state buttons above a list; both live in the address.
import { html } from '../html.js';
import { refine, route } from '../route.js';

/** Rows whose text has every word. `text(row)` is what is searched. */
export function matching(rows, text) {
  const words = (route.value.query.q || '').toLowerCase().split(/\s+/).filter(Boolean);
  return words.length ? rows.filter((row) => { const all = text(row).toLowerCase(); return words.every((word) => all.includes(word)); }) : rows;
}

export function Search({ label }) {
  return html`<label><span class="sr">${label}</span><input type="search" data-search placeholder=${label} value=${route.value.query.q || ''} onInput=${(event) => refine({ q: event.currentTarget.value })} /></label>`;
}

/** `value`: what is chosen where the address says nothing. */
export function Choice({ name, label, choices, value: usual = '' }) {
  const chosen = route.value.query[name] || usual;
  return html`<div class="seg" role="group" aria-label=${label}>${choices.map(([value, words]) => html`<button key=${value} aria-pressed=${chosen === value} onClick=${() => refine({ [name]: value })}>${words}</button>`)}</div>`;
}
