// The farm: every machine as a card or a row, live, with what may be done with it.
import { html } from '../html.js';
import { workers } from '../farm.js';
import { followAll } from '../measured.js';
import { go, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Choice, Search, matching } from '../parts/filter.js';
import { useMeasured } from '../parts/measure.js';
import { State, ofWorker } from '../parts/state.js';
import { Table } from '../parts/table.js';
import { Vital, Vitals, Warm, heatOf, valueOf } from '../parts/vitals.js';

const FITS = {
  '': () => true,
  online: (row) => row.presence === 'online',
  busy: (row) => row.presence === 'online' && row.used > 0,
  idle: (row) => ofWorker(row) === 'idle',
  off: (row) => row.presence !== 'online' || row.admin_state === 'disabled',
};
const ONLY = ['worker.enable', 'worker.disable', 'worker.wake', 'worker.delete'];
const open = (row) => go('workers', row.id);

const COLUMNS = [
  { key: 'name', label: 'Machine', width: 'minmax(70px,2fr)', cell: (row) => html`<a href=${to('workers', row.id)}>${row.name}</a>` },
  { key: 'does', label: 'State', width: '110px', phone: '17px', value: ofWorker, cell: (row) => html`<${State} is=${ofWorker(row)} title=${row.warning} />` },
  { key: 'used', label: 'Slots', width: '84px', num: true, cell: (row) => `${row.used || 0} of ${row.slots}` },
  { key: 'queued', label: 'Ahead', width: '70px', num: true, narrow: 'snug' },
  { key: 'cpu', label: 'Processors', width: '124px', num: true, narrow: false, sorted: followAll, value: (row) => valueOf(row, 'cpu'), cell: (row) => html`<${Vital} row=${row} name="cpu" spark />` },
  { key: 'memory', label: 'Memory', width: '76px', num: true, narrow: false, sorted: followAll, value: (row) => valueOf(row, 'memory'), cell: (row) => html`<${Vital} row=${row} name="memory" />` },
  { key: 'heat', label: 'Heat', width: '64px', num: true, narrow: 'snug', sorted: followAll, value: (row) => valueOf(row, 'temperature'), cell: (row) => html`<${Vital} row=${row} channel=${heatOf(row)} />` },
  { key: 'warm', label: 'Warm file', width: 'minmax(70px,1fr)', narrow: 'snug', value: (row) => (row.warm || []).join(' '), cell: (row) => html`<${Warm} row=${row} />` },
  { key: 'tags', label: 'Tags', width: 'minmax(60px,0.8fr)', narrow: false, value: (row) => (row.tags || []).join(' '), cell: (row) => html`<span class="dim">${(row.tags || []).join(', ')}</span>` },
  { key: 'warning', label: 'Says', width: 'minmax(80px,1.6fr)', narrow: false, cell: (row) => html`<span class="dim" title=${row.warning}>${row.warning}</span>` },
  { key: 'platform', label: 'System', width: 'minmax(80px,0.8fr)', narrow: 'snug', cell: (row) => html`<span class="faint">${row.platform}</span>` },
];

function Card({ row }) {
  const is = ofWorker(row);
  const away = row.presence !== 'online' || row.admin_state === 'disabled';
  return html`<article class="card ${away ? 'off' : ''}">
    <div class="row"><a class="grow ell" href=${to('workers', row.id)}><h2 class="ell">${row.name}</h2></a><${State} is=${is} /></div>
    <div class="bar" role="img" aria-label="${row.used || 0} of ${row.slots} slots work">${Array.from({ length: Math.min(row.slots, 64) }, (_, at) => html`<span class=${at < (row.used || 0) ? 'live' : ''} style="flex:1;margin-right:1px"></span>`)}</div>
    ${!away && html`<${Vitals} row=${row} />`}
    <div class="row faint"><span class="grow ell">${row.warning || ((row.warm || []).length ? html`<${Warm} row=${row} />` : row.platform || row.mac)}</span><span style="white-space:nowrap">${row.used || 0} of ${row.slots}</span></div>
    <div class="row"><${Actions} rows=${[row]} only=${ONLY} small /></div>
  </article>`;
}

export function Workers() {
  useMeasured();
  const { query } = route.value;
  const all = workers.all;
  const rows = matching(all.filter(FITS[query.state] || FITS['']), (row) => `${row.name} ${row.mac} ${(row.tags || []).join(' ')} ${row.warning}`);
  const nobody = html`<div class="empty"><h2>${all.length ? 'No machine is like that' : 'No machine has joined yet'}</h2>
    ${all.length ? html`<p>Take the filter back to see all ${all.length}.</p>` : html`<p>On each machine that shall render, start the worker:</p><code>brender client --master HOST:6000</code>`}</div>`;
  const view = query.as || (rows.length > 60 ? 'table' : 'cards');
  return html`
    <div class="head"><h1 class="grow">Farm</h1><div class="tools"><${Search} label="Find a machine" />
      <${Choice} name="state" label="Which machines" choices=${[['', 'All'], ['online', 'Online'], ['busy', 'Busy'], ['idle', 'Idle'], ['off', 'Off']]} />
      <${Choice} name="as" label="How they are shown" value=${view} choices=${[['cards', 'Cards'], ['table', 'Table']]} /></div></div>
    ${!rows.length ? nobody : view === 'cards' ? html`<div class="cards">${rows.slice(0, 300).map((row) => html`<${Card} key=${row.id} row=${row} />`)}</div>
      ${rows.length > 300 && html`<p class="dim">The table shows all ${rows.length}.</p>`}`
    : html`<${Table} rows=${rows} columns=${COLUMNS} open=${open} label="Machines" only=${ONLY} sort=${{ key: 'name', way: 1 }} />`}`;
}
