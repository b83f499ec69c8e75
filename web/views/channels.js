// Telemetry: every channel of the farm with its last value, live; those that are picked are plotted together.
import { html, useEffect, useState } from '../html.js';
import { channels, may, workers } from '../farm.js';
import { route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { askFor } from '../parts/asked.js';
import { Choice, Search, matching } from '../parts/filter.js';
import { Spark, Value, told, useMeasured } from '../parts/measure.js';
import { State } from '../parts/state.js';
import { Table } from '../parts/table.js';
import { cellOf, followAll } from '../measured.js';

const FITS = {
  '': () => true,
  logging: (row) => row.state === 'logging',
  bad: (row) => row.state === 'stale' || row.state === 'error',
  stopped: (row) => row.state === 'stopped',
};
const ONLY = ['channel.start', 'channel.stop', 'channel.restart', 'channel.set', 'channel.move', 'channel.delete'];

/** Where these channels are plotted. */
export const plotOf = (rows) => `#/channels/${rows.map((row) => row.id).join(',')}`;

const nameOf = (row) => (workers.map.get(row.manager_id) || { name: row.manager }).name;

const COLUMNS = [
  { key: 'name', label: 'Channel', width: 'minmax(90px,2.2fr)', cell: (row) => html`<span class="only-phone">${row.state !== 'logging' && html`<${State} is=${row.state} />`}</span><a href=${plotOf([row])}>${row.name}</a>` },
  { key: 'state', label: 'State', width: '96px', phone: false, cell: (row) => html`<${State} is=${row.state} title=${row.error} />` },
  { key: 'value', label: 'Now', width: 'minmax(64px,110px)', num: true, sorted: followAll, value: (row) => cellOf(row.id).peek().value ?? '', cell: (row) => html`<${Value} channel=${row} />` },
  { key: 'trend', label: 'Last values', width: '92px', sort: false, narrow: false, cell: (row) => html`<${Spark} channel=${row} />` },
  { key: 'device', label: 'Device', width: 'minmax(70px,1fr)', narrow: false, cell: (row) => html`<span class="dim">${row.device}</span>` },
  { key: 'manager', label: 'Measured by', width: 'minmax(70px,1fr)', narrow: false, value: nameOf, cell: (row) => (row.manager_id ? html`<a class="dim" href=${to('workers', row.manager_id)}>${nameOf(row)}</a>` : html`<span class="faint">nobody yet</span>`) },
  { key: 'error', label: 'Says', width: 'minmax(80px,1.6fr)', narrow: false, cell: (row) => html`<span class="dim" title=${row.error}>${row.error}</span>` },
];

export const addChannel = () => askFor('channel.add', {}, 'Add channels');

function Nothing({ all }) {
  if (all) return html`<div class="empty"><h2>No channel is like that</h2><p>Take the filter back to see all ${all}.</p></div>`;
  return html`<div class="empty"><h2>Nothing is measured yet</h2><p>Each machine brings its own channels when it connects: processors, memory, disk, temperature, GPUs.</p><code>brender client --master HOST:6000</code>
    ${may.value.has('channel.add') && html`<p>Or measure something else: a web address, a port, a file, a program.</p><button class="btn primary" onClick=${addChannel}>Add channels</button>`}</div>`;
}

export function Channels() {
  useMeasured();
  const { query } = route.value;
  const all = channels.all;
  const rows = matching(all.filter(FITS[query.state] || FITS['']), (row) => `${row.name} ${row.short_name} ${row.device} ${row.key} ${row.manager} ${row.state} ${Object.entries(row.labels || {}).map(([name, value]) => `${name}=${value}`).join(' ')}`);
  const bad = all.filter(FITS.bad).length;
  const together = (some) => html`<a class="btn primary small" href=${plotOf(some)}>Plot ${some.length === 1 ? 'it' : 'together'}</a>`;
  return html`
    <div class="head"><h1 class="grow">Telemetry</h1><div class="tools"><${Search} label="Find a channel" />
      <${Choice} name="state" label="Which channels" choices=${[['', 'All'], ['logging', 'Logging'], ['bad', bad ? `Not well ${told(bad)}` : 'Not well'], ['stopped', 'Stopped']]} />
      ${may.value.has('channel.add') && html`<button class="btn" onClick=${addChannel}>Add</button>`}</div></div>
    <${Table} rows=${rows} columns=${COLUMNS} open=${(row) => { location.hash = plotOf([row]); }} label="Channels" only=${ONLY} also=${together} sort=${{ key: 'name', way: 1 }} empty=${html`<${Nothing} all=${all.length} />`} />`;
}
