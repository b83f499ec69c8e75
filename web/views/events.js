// What has happened since this page was opened, newest first, in words that lead on.
import { html } from '../html.js';
import { events } from '../feed.js';
import { to } from '../route.js';
import { clockOf } from '../parts/time.js';

function subject({ topic, data }) {
  const [noun] = topic.split('.');
  if (noun === 'job' && data.id) return html`<a href=${to('jobs', data.id)}>${data.name || `job ${data.id}`}</a>`;
  if (noun === 'worker' && data.id) return html`<a href=${to('workers', data.id)}>${data.name || `machine ${data.id}`}</a>`;
  if (noun === 'channel' && data.id) return html`<a href=${to('channels', data.id)}>${data.name || `channel ${data.id}`}</a>`;
  if (noun === 'task' && data.job_id) return html`<a href=${to('jobs', data.job_id)}>${data.job} task ${data.task}</a>`;
  return data.name || '';
}

const more = (data) => Object.entries(data).filter(([key, value]) => !['id', 'name', 'job_id', 'step_id'].includes(key) && value !== '' && value !== null && typeof value !== 'object').map(([key, value]) => `${key} ${value}`).join(', ');

export function Events() {
  const rows = events.value;
  return html`<div class="head"><h1>What happens</h1></div>${rows.length ? html`<section class="panel"><ul class="why">${rows.map((one, at) => html`<li key=${at}><span class="faint">${clockOf(one.at)}</span> <b>${one.topic.replace('.', ' ')}</b> ${subject(one)} <span class="dim">${more(one.data)}</span></li>`)}</ul></section>`
    : html`<div class="empty"><h2>Nothing has happened yet</h2><p>Jobs that start and end and machines that come and go appear here as they happen.</p></div>`}`;
}
