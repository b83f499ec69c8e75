// The pages that belong together under one entry of the rail, as a row of links above each.
import { html } from '../html.js';
import { route, to } from '../route.js';

const WATCH = [['alarms', 'Alarms'], ['schedules', 'Schedules'], ['deliveries', 'Letters'], ['log', 'Log']];

export function Tabs() {
  const here = route.value.path[0];
  return html`<nav class="tabs" aria-label="Watch">${WATCH.map(([path, label]) => html`<a key=${path} href=${to(path)} aria-current=${path === here ? 'page' : undefined}>${label}</a>`)}</nav>`;
}
