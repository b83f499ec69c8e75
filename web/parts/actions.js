// Buttons for what may be done with rows: the farm says which (`can`), this says how they are called.
import { html } from '../html.js';
import { may } from '../farm.js';
import { rpc } from '../rpc.js';
import { askFor } from './asked.js';
import { confirm } from './dialog.js';
import { complain, say } from './toast.js';

// method -> label, name of the parameter that takes the rows (many: a list; one: not of several), needs a yes, can be taken back, asks for more by its form
const ACTS = {
  'worker.enable': { label: 'Enable', rows: 'workers', many: true, undo: true },
  'worker.disable': { label: 'Disable', rows: 'workers', many: true, undo: true, done: 'Disabled: what runs goes on to its end.' },
  'worker.wake': { label: 'Wake', rows: 'workers', many: true, done: 'Sent to the network card of' },
  'worker.delete': { label: 'Forget', rows: 'workers', many: true, danger: true },
  'job.run': { label: 'Run', rows: 'job', primary: true },
  'job.pause': { label: 'Pause', rows: 'job', undo: true },
  'job.resume': { label: 'Go on', rows: 'job', undo: true, primary: true },
  'job.requeue': { label: 'Run failed again', rows: 'job' },
  'job.stop': { label: 'Stop', rows: 'job', danger: true },
  'job.unblock': { label: 'Unblock workers', rows: 'job' },
  'job.delete': { label: 'Delete', rows: 'jobs', many: true, danger: true },
  'alarm.ack': { label: 'Acknowledge', rows: 'alarms', many: true, primary: true, done: 'You look after' },
  'alarm.skip': { label: 'Skip', rows: 'alarms', many: true, form: true },
  'alarm_rule.set': { label: 'Change', rows: 'rule', form: true, one: true },
  'alarm_rule.delete': { label: 'Delete', rows: 'rule', danger: true },
  'schedule.run_now': { label: 'Run now', rows: 'uuid' },
  'schedule.pause': { label: 'Pause', rows: 'uuid' },
  'schedule.resume': { label: 'Go on', rows: 'uuid', primary: true },
  'schedule.remove': { label: 'Remove', rows: 'uuid', danger: true },
  'delivery.retry': { label: 'Send now', rows: 'deliveries', many: true },
  'delivery.drop': { label: 'Drop', rows: 'deliveries', many: true, danger: true },
  'channel.start': { label: 'Start', rows: 'channels', many: true, primary: true },
  'channel.stop': { label: 'Stop', rows: 'channels', many: true, done: 'Measures no more' },
  'channel.restart': { label: 'Begin anew', rows: 'channels', many: true },
  'channel.set': { label: 'Change', rows: 'channels', many: true, form: true },
  'channel.move': { label: 'Move', rows: 'channel', form: true, one: true },
  'channel.delete': { label: 'Delete', rows: 'channels', many: true, danger: true },
};

/** What of ACTS all of these rows can be given, in the table's order. */
export function common(rows, only) {
  return Object.keys(ACTS).filter((method) => may.value.has(method) && !(ACTS[method].one && rows.length > 1) && (!only || only.includes(method)) && rows.some((row) => (row.can || []).includes(method)));
}

/** Do it to the rows that can; more than one dangerous thing is asked about first. */
export async function act(method, rows) {
  const how = ACTS[method];
  const able = rows.filter((row) => (row.can || []).includes(method));
  if (how.form) { askFor(method, { [how.rows]: able.map((row) => row.id).join(' ') }, how.label); return; }
  const names = able.slice(0, 4).map((row) => row.name || row.about || (row.message_id ? `letter ${row.id} of ${row.logger}` : `#${row.id}`)).join(', ') + (able.length > 4 ? ` and ${able.length - 4} more` : '');
  if ((how.danger || able.length > 20) && !(await confirm(`${how.label}: ${able.length === 1 ? names : `${able.length} rows`}?`, able.length === 1 ? '' : names, how.label))) return;
  try {
    if (how.many) await rpc(method, { [how.rows]: able.map((row) => String(row.id)) });
    else for (const row of able) await rpc(method, { [how.rows]: String(row.id) });
    say(`${how.done || how.label}: ${names}`, { undo: how.undo && may.value.has('session.undo') });
  } catch (error) {
    complain(error);
  }
}

export function Actions({ rows, only, small }) {
  return html`${common(rows, only).map((method) => html`<button key=${method} class="btn ${ACTS[method].primary ? 'primary' : ''} ${ACTS[method].danger ? 'danger' : ''} ${small ? 'small' : ''}"
    onClick=${(event) => { event.stopPropagation(); act(method, rows); }}>${ACTS[method].label}</button>`)}`;
}
