// What a machine says of itself in a line: processors with the last minutes, memory, temperature, the file it has open.
import { html } from '../html.js';
import { cellOf, ownChannel } from '../measured.js';
import { Spark, Value } from './measure.js';

const HEAT = ['temperature', 'gpu_temperature'];
const stem = (path) => String(path).split(/[\\/]/).pop();

export const heatOf = (row) => HEAT.map((key) => ownChannel(row.id, key)).find(Boolean);

/** The last value of a machine's own channel, to sort by; -1 where there is none. */
export const valueOf = (row, key) => { const channel = ownChannel(row.id, key); const value = channel && cellOf(channel.id).peek().value; return typeof value === 'number' ? value : -1; };

/** One of a machine's own channels: its value, with the line of the last ones where `spark`. */
export function Vital({ row, name, channel = ownChannel(row.id, name), spark }) {
  if (!channel) return html`<span class="faint">–</span>`;
  return html`<a class="vital" href=${`#/channels/${channel.id}`} title=${channel.name}><span class="sr">${channel.name} </span>${spark && html`<${Spark} channel=${channel} width=${64} height=${20} floor=${0} />`}<${Value} channel=${channel} /></a>`;
}

/** What a slot was sent to open last: among equals it gets the next frames of that file. */
export function Warm({ row }) {
  const files = row.warm || [];
  if (!files.length) return '';
  return html`<span class="ell dim" title=${files.join(', ')}>${stem(files[files.length - 1])}${files.length > 1 ? ` and ${files.length - 1} more` : ''}</span>`;
}

export function Vitals({ row }) {
  const heat = heatOf(row);
  const memory = ownChannel(row.id, 'memory');
  const load = ownChannel(row.id, 'cpu');
  if (!load && !memory && !heat) return null;
  return html`<div class="row vitals">${load && html`<${Vital} channel=${load} spark />`}
    ${memory && html`<a class="vital" href=${`#/channels/${memory.id}`} title=${memory.name}><span class="sr">${memory.name} </span><span class="faint" aria-hidden="true">mem</span><${Value} channel=${memory} /></a>`}
    ${heat && html`<${Vital} channel=${heat} />`}</div>`;
}
