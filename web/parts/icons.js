// The page's few icons, drawn with lines so that they take the colour of their words.
import { html } from '../html.js';

const PATHS = {
  farm: 'M3 5h14v4H3zM3 11h14v4H3zM6 7h.01M6 13h.01',
  jobs: 'M3 4.5h14M3 10h14M3 15.5h9',
  submit: 'M10 15V4M5.5 8.5 10 4l4.5 4.5M4 17h12',
  telemetry: 'M3 14l4-5 3 3 5-7 2 3',
  alarms: 'M10 3a5 5 0 0 1 5 5v3l1.5 3h-13L5 11V8a5 5 0 0 1 5-5zM8.5 16.5a1.6 1.6 0 0 0 3 0',
  schedules: 'M4 5h12v12H4zM4 8.5h12M7.5 3v3.5M12.5 3v3.5',
  deliveries: 'M3 5h14v10H3zM3 6l7 5 7-5',
  console: 'M4 5.5l4 4-4 4M10 14.5h6',
  events: 'M4 4v12h12M7 12l3-3 2 2 4-5',
};

export const Icon = ({ name }) => html`<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
