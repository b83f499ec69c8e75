// Letters: what waits to be sent and what stands in its way, what is sent, and what stands in each, as text.
import { html, useEffect, useState } from '../html.js';
import { deliveries, fills, may, now } from '../farm.js';
import { onEvent, rpc } from '../rpc.js';
import { go, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Choice, Search, matching } from '../parts/filter.js';
import { State } from '../parts/state.js';
import { Table } from '../parts/table.js';
import { Tabs } from '../parts/tabs.js';
import { complain, say } from '../parts/toast.js';
import { dayOf, span } from '../parts/time.js';
import { Lines } from './loggers.js';

const WHEN = { INSTANTANEOUSLY: 'at once', HOURLY: 'hourly digest', DAILY: 'daily digest', WEEKLY: 'weekly digest' };
const TOPICS = ['delivery.sent', 'delivery.queued', 'delivery.retrying', 'delivery.failed', 'delivery.dropped'];
const refusedOf = (row) => Object.entries(row.refused || {}).map(([who, why]) => `${who}: ${why}`).join('; ');
const whyOf = (row) => [row.error, refusedOf(row)].filter(Boolean).join('; ');

function next(row) {
  if (row.state === 'failed') return 'given up';
  if (row.holder) return `being sent by ${row.holder}`;
  const wait = row.next_at - now();
  return wait > 0 ? `in ${span(wait)}` : 'as soon as somebody sends';
}

const subject = (row) => html`<a href=${to('deliveries', row.id)}>${row.logger || 'a logger'}, ${WHEN[row.schedule] || row.schedule}</a>`;
const COLUMNS = [
  { key: 'state', label: 'State', width: '92px', cell: (row) => html`<${State} is=${row.state} />` },
  { key: 'logger', label: 'Letter', width: 'minmax(90px,1fr)', cell: subject },
  { key: 'level', label: 'Level', width: '104px', narrow: false, cell: (row) => html`<${State} is=${row.level} />` },
  { key: 'attempts', label: 'Tried', width: '56px', num: true, narrow: false },
  { key: 'next_at', label: 'Next', width: 'minmax(80px,1fr)', narrow: false, cell: (row) => html`<span class="dim">${next(row)}</span>` },
  { key: 'error', label: 'Why not', width: 'minmax(80px,2fr)', value: whyOf, cell: (row) => html`<span title=${whyOf(row)}>${whyOf(row)}</span>` },
  { key: 'do', label: '', width: '156px', narrow: false, sort: false, cell: (row) => html`<${Actions} rows=${[row]} small />` },
];
const SENT = [
  { key: 'sent_at', label: 'Sent', width: '128px', cell: (row) => dayOf(row.sent_at) },
  { key: 'logger', label: 'Letter', width: 'minmax(80px,1fr)', cell: subject },
  { key: 'level', label: 'Level', width: '104px', narrow: false, cell: (row) => html`<${State} is=${row.level} />` },
  { key: 'done', label: 'To', width: 'minmax(80px,2fr)', value: (row) => row.done.join(' '), cell: (row) => html`<span class="dim" title=${row.done.join(', ')}>${row.done.join(', ')}</span>` },
  { key: 'refused', label: 'Refused', width: 'minmax(60px,1fr)', narrow: false, value: refusedOf, cell: (row) => html`<span title=${refusedOf(row)}>${refusedOf(row)}</span>` },
  { key: 'attempts', label: 'Tried', width: '56px', num: true, narrow: false },
];

/** A list of the farm's that its events do not carry: asked for again when one of these topics comes. */
function useAsked(method, params) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let here = true;
    let due = 0;
    const load = () => { due = 0; rpc(method, params).then((said) => { if (here) setFound(said); }, () => {}); };
    load();
    const stop = onEvent((topic) => { if (TOPICS.includes(topic) && !due) due = setTimeout(load, 300); });
    return () => { here = false; clearTimeout(due); stop(); };
  }, [method, JSON.stringify(params), fills.value]);
  return found;
}

/** Whether anybody is there to send: letters wait for ever for a program that nobody started. */
function Sender() {
  const found = useAsked('delivery.list', { limit: 1 });
  if (!found || (found.asked !== null && found.asked < 120)) return null;
  return html`<p class="note">${found.asked === null ? 'Nobody sends letters: no brender notify has asked since the master was started. Start it: brender up --credentials FILE, or brender notify.' : `No brender notify has asked for ${span(found.asked)}: is it still running?`}</p>`;
}

function Waiting() {
  const all = deliveries.all;
  const rows = matching(all, (row) => `${row.logger} ${row.state} ${row.schedule} ${row.level} ${whyOf(row)}`).sort((a, b) => b.id - a.id);
  const none = html`<div class="empty"><h2>${all.length ? 'No letter is like that' : 'Every letter is sent'}</h2><p>${all.length ? `Take the filter back to see all ${all.length}.` : 'To see whether mail works, send one to yourself.'}</p></div>`;
  return html`<${Sender} /><${Table} rows=${rows} columns=${COLUMNS} open=${(row) => go('deliveries', row.id)} label="Letters that wait" only=${['delivery.retry', 'delivery.drop']} empty=${none} />`;
}

function Sent() {
  const [limit, setLimit] = useState(50);
  const found = useAsked('delivery.list', { sent: true, limit });
  if (!found) return null;
  const rows = matching(found.deliveries, (row) => `${row.logger} ${row.schedule} ${row.level} ${row.done.join(' ')}`);
  const none = html`<div class="empty"><h2>No letter was sent yet</h2></div>`;
  return html`<${Table} rows=${rows} columns=${SENT} open=${(row) => go('deliveries', row.id)} label="Letters that are sent" select=${false} empty=${none} />
    ${found.deliveries.length === limit && limit < 1000 && html`<p style="margin-top:12px"><button class="btn" onClick=${() => setLimit(Math.min(1000, limit * 4))}>Show more</button></p>`}`;
}

async function test() {
  try { await rpc('log.test'); say('A letter is on its way.'); } catch (error) { complain(error); }
}

export function Deliveries() {
  const { query } = route.value;
  return html`<${Tabs} /><div class="head"><h1 class="grow">Letters</h1><div class="tools"><${Search} label="Find a letter" />
      <${Choice} name="show" label="Which letters" choices=${[['', 'Waiting'], ['sent', 'Sent']]} />
      ${may.value.has('log.test') && html`<button class="btn" onClick=${test}>Send a test</button>`}</div></div>
    ${query.show === 'sent' ? html`<${Sent} />` : html`<${Waiting} />`}`;
}

/** One letter with its lines. They are text, whatever stands in them. */
export function Delivery({ id }) {
  const waiting = deliveries.get(Number(id));
  const sent = useAsked('delivery.list', { sent: true, limit: 1000 });
  const row = waiting || (sent && sent.deliveries.find((one) => one.id === Number(id)));
  if (!row) return html`<${Tabs} />${sent && html`<div class="empty"><h2>There is no letter ${id}</h2><p><a class="btn" href=${to('deliveries')}>All letters</a></p></div>`}`;
  const facts = [['When', WHEN[row.schedule] || row.schedule], ['Level', html`<${State} is=${row.level} />`], ['Tried', row.attempts], ...(waiting ? [['Next', next(row)]] : [['Sent', dayOf(row.sent_at)]]),
    ['Has it', row.done.join(', ') || '–'], ...(refusedOf(row) ? [['Refused', refusedOf(row)]] : []), ...(row.error ? [['Why not', row.error]] : []), ['Written', dayOf(row.created_at)], ...(waiting ? [['Given up', dayOf(row.expires_at)]] : [])];
  return html`<${Tabs} /><div class="head"><div class="grow"><p class="crumbs"><a href=${to('deliveries')}>Letters</a></p><h1>${row.logger}, letter ${row.id}</h1></div><${State} is=${row.state} /><div class="tools"><${Actions} rows=${[row]} /></div></div>
    <div class="split"><div><section class="panel"><header><h2>What it says</h2></header><${Lines} params=${{ delivery: row.id, limit: 1000 }} watch=${row.version} /></section></div>
      <aside class="panel"><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></aside></div>`;
}
