// The page's few icons, drawn with lines so that they take the colour of their words.
import { html } from '../html.js';

const PATHS = {
  farm: 'M3 5h14v4H3zM3 11h14v4H3zM6 7h.01M6 13h.01',
  jobs: 'M3 4.5h14M3 10h14M3 15.5h9',
  channels: 'M2.5 11h3l2.5-7 4 12 2.5-7h3',
  submit: 'M10 15V4M5.5 8.5 10 4l4.5 4.5M4 17h12',
  console: 'M4 5.5l4 4-4 4M10 14.5h6',
  watch: 'M10 3a4.5 4.5 0 0 1 4.5 4.5c0 4 1.5 5 1.5 6H4c0-1 1.5-2 1.5-6A4.5 4.5 0 0 1 10 3zM8.5 16.5h3',
  find: 'M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM13 13l4 4',
  events: 'M4 4v12h12M7 12l3-3 2 2 4-5',
};

export const Icon = ({ name }) => html`<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
