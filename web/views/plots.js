// Channels over time: asked of the farm in as many points as the picture has room for, continued live at its right edge.
import { html, signal, useEffect, useMemo, useRef, useState } from '../html.js';
import { channels, clock, fills, may } from '../farm.js';
import { onEvent, rpc } from '../rpc.js';
import { route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { askFor } from '../parts/asked.js';
import { useMeasured, told, withUnit } from '../parts/measure.js';
import { COLOURS, Plot, letterOf } from '../parts/plot.js';
import { Range, lookAt, move, rangeOf, reset } from '../parts/range.js';
import { append, figures, isDrawn, seriesOf, trim, valueAt } from '../parts/series.js';
import { State } from '../parts/state.js';
import { Why } from '../parts/why.js';
import { clockOf, count, secondOf, span } from '../parts/time.js';
import { VALUES, cellOf, follow } from '../measured.js';

const MOST = 16; // channels of one picture
const FEWEST = 200; // points, where the picture is not there yet or tiny
const BEFORE = 3600; // seconds in which a channel that hardly changes has said something: twice its heartbeat
const SHOWN = 200; // rows of the table of values
const SHORT = 2 * 86400;

/** One channel's answer for a stretch, with what held when it began. */
async function ask(id, from, to, most) {
  const found = seriesOf(await rpc('reading.range', { channel: id, from, to, most }));
  if (found.times.length && found.times[0] - from <= (to - from) / 50) return found;
  const known = cellOf(id).peek();
  if (typeof known.value === 'number' && known.at <= from) found.before = known.value;
  else {
    const earlier = await rpc('reading.range', { channel: id, from: from - BEFORE, to: from, most: FEWEST });
    found.before = earlier.values.findLast((value) => typeof value === 'number') ?? null;
  }
  return found;
}

/** Rows of channels that the mirror had no room for, so that they have a name here; who is not there stays without. */
const introduce = (ids) => Promise.all(ids.filter((id) => !channels.map.has(id)).map((id) => rpc('channel.list', { channels: [id] }).then((found) => { for (const row of found.channels) channels.put(row); }, () => {})));

/** { series: Map of id -> series or the farm's refusal, version } of what the address asks for, kept current. */
function useSeries(ids, range, width) {
  const [series, setSeries] = useState(new Map());
  const [busy, setBusy] = useState(true);
  const version = useMemo(() => signal(0), []);
  const key = range.live ? range.name : `${range.from} ${range.to}`;
  const most = Math.max(FEWEST, Math.ceil(width / 100) * 100);
  useEffect(() => {
    if (!width) return undefined;
    let here = true;
    const made = new Map();
    const early = [];
    const take = (id, at, value) => { const one = made.get(id); return Boolean(one && one.times && append(one, at, value)); };
    const stop = range.live ? onEvent((topic, data) => {
      if (topic !== VALUES) return;
      let more = false;
      for (const [id, at, value] of data.values) {
        if (!ids.includes(id)) continue;
        if (!made.has(id)) early.push([id, at, value]);
        else more = take(id, at, value) || more;
      }
      if (more) version.value += 1;
    }) : () => {};
    const { from, to: end } = rangeOf(route.value.query);
    setBusy(true);
    Promise.all([introduce(ids), ...ids.map((id) => ask(id, from, end, most).catch((error) => error).then((found) => { if (here) made.set(id, found); }))]).then(() => {
      if (!here) return;
      for (const [id, at, value] of early) take(id, at, value);
      setSeries(made);
      setBusy(false);
    });
    const slide = range.live ? setInterval(() => {
      const begin = rangeOf(route.value.query).from;
      for (const one of made.values()) if (one.times) trim(one, begin);
      version.value += 1;
    }, Math.max(1000, (1000 * (end - from)) / most)) : 0;
    return () => { here = false; stop(); clearInterval(slide); };
  }, [ids.join(), key, most, fills.value]);
  useEffect(() => { version.value += 1; }, [series]); // the picture has the new values only when they are rendered
  return { series, busy, version };
}

/** What the picture shows, as a table: who is read aloud gets the same. */
function Summary({ rows, version, at, remove }) {
  version.value;
  const moment = at.value;
  return html`<div class="scrollx" tabindex="0" role="group" aria-label="Figures of this stretch"><table class="figs"><thead><tr><th scope="col">Channel</th><th scope="col" class="num">${moment ? clockOf(moment) : 'Last'}</th><th scope="col" class="num">Lowest</th><th scope="col" class="num">Mean</th><th scope="col" class="num">Highest</th><th scope="col">Of</th><th scope="col"><span class="sr">Remove</span></th></tr></thead>
    <tbody>${rows.map(({ id, row, found, colour }) => {
      const said = found && found.times ? figures(found) : null;
      const unit = row ? row.unit : '';
      const newest = found && found.times && found.values.length ? found.values[found.values.length - 1] : null;
      const here = moment && found && found.times ? valueAt(found, moment) : said ? said.last : newest;
      return html`<tr key=${id}><th scope="row"><i class="swatch ${colour >= COLOURS ? 'dashed' : ''}" style="--c:var(--p-${colour % COLOURS})"></i>${rows.length > 1 && html`<span class="faint">${letterOf(colour)} </span>`}${row ? html`<a href=${`#/channels/${id}`}>${row.name}</a>` : `channel ${id}`} ${row && row.state !== 'logging' && html`<${State} is=${row.state} title=${row.error} />`}</th>
        ${found instanceof Error ? html`<td colspan="5" class="bad">${found.message} ${found.hint}</td>`
        : html`<td class="num">${withUnit(here, unit)}</td><td class="num">${said ? told(said.lowest) : '–'}</td><td class="num">${said ? told(said.mean) : '–'}</td><td class="num">${said ? told(said.highest) : '–'}</td>
          <td class="dim">${!found ? '…' : said ? `${count(said.many)} samples${found.step ? `, ${span(found.step)} a point` : ''}` : found.values.length ? 'no numbers: see the values below' : 'nothing was measured'}</td>`}
        <td><button class="btn quiet small" aria-label=${`Take ${row ? row.name : id} out`} onClick=${() => remove(id)}>×</button></td></tr>`;
    })}</tbody></table></div>`;
}

/** The newest values behind a disclosure, for whoever wants numbers. */
function Values({ rows, version }) {
  const [open, setOpen] = useState(false);
  if (open) version.value;
  const shown = rows.filter(({ found }) => found && found.times);
  const times = open ? [...new Set(shown.flatMap(({ found }) => found.times.slice(-SHOWN)))].sort((a, b) => b - a).slice(0, SHOWN) : [];
  const all = Math.max(0, ...shown.map(({ found }) => found.times.length));
  const cell = ({ found, row }, at) => {
    const place = found.times.lastIndexOf(at);
    if (place < 0) return '';
    return withUnit(found.values[place], row ? row.unit : '') + (found.step ? ` (${told(found.lowest[place])} to ${told(found.highest[place])})` : '');
  };
  return html`<details class="panel" onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>Values as a table</summary>
    ${open && html`<p class="faint">${all > times.length ? `The newest ${count(times.length)} of ${count(all)}; zoom in to see others.` : ''}</p><div class="scrollx tall" tabindex="0" role="group" aria-label="Values"><table class="figs"><thead><tr><th scope="col">Time</th>${shown.map(({ id, row }) => html`<th key=${id} scope="col" class="num">${row ? row.name : id}</th>`)}</tr></thead>
      <tbody>${times.map((at) => html`<tr key=${at}><th scope="row">${secondOf(at)}</th>${shown.map((one) => html`<td key=${one.id} class="num">${cell(one, at)}</td>`)}</tr>`)}</tbody></table></div>`}</details>`;
}

/** Another channel into the same picture, found by a few letters. */
function More({ ids, set }) {
  const [text, setText] = useState('');
  const pick = (event) => {
    const name = event.currentTarget.value;
    const row = channels.all.find((one) => one.name === name && !ids.includes(one.id));
    setText(row ? '' : name);
    if (row) set([...ids, row.id]);
  };
  if (ids.length >= MOST) return html`<p class="dim">A picture has at most ${MOST} channels.</p>`;
  return html`<label class="more"><span class="sr">Add a channel to the picture</span><input type="text" list="channel-names" placeholder="Add a channel" value=${text} onInput=${pick} />
    <datalist id="channel-names">${channels.all.filter((one) => !ids.includes(one.id)).slice(0, 1000).map((one) => html`<option key=${one.id} value=${one.name} />`)}</datalist></label>`;
}

/** A rule that fires above what the channel has reached here, to be changed in its form. */
function watch({ row, found }) {
  const said = found && found.times ? figures(found) : null;
  const selector = JSON.stringify([row.name.replace(/[[*?]/g, '[$&]')]); // a name, and no glob
  askFor('alarm_rule.add', { name: row.name, 'values.selector': selector, 'values.condition': 'above', 'values.threshold': String(said ? said.highest : 0), 'values.for': '60' }, 'Add an alarm');
}

export function Plots({ id }) {
  useMeasured();
  const ids = useMemo(() => [...new Set(String(id).split(',').map(Number))].filter((one) => one > 0).slice(0, MOST), [id]);
  const { query } = route.value;
  const range = rangeOf(query);
  const [width, setWidth] = useState(0);
  useEffect(() => { const stops = ids.map(follow); return () => stops.forEach((stop) => stop()); }, [ids.join()]);
  const { series, busy, version } = useSeries(ids, range, width);
  const at = useMemo(() => signal(null), []);
  const kept = useRef(new Map()); // a channel keeps its colour while others come and go
  for (const one of [...kept.current.keys()]) if (!ids.includes(one)) kept.current.delete(one);
  for (const one of ids) {
    if (kept.current.has(one)) continue;
    const used = new Set(kept.current.values());
    let free = 0;
    while (used.has(free)) free += 1;
    kept.current.set(one, free);
  }
  const rows = ids.map((one) => ({ id: one, row: channels.get(one), found: series.get(one), colour: kept.current.get(one) }));
  const set = (some) => { const words = location.hash.split('?')[1]; location.hash = some.length ? `#/channels/${some.join(',')}${words ? `?${words}` : ''}` : '#/channels'; };
  if (!ids.length || (!busy && rows.every(({ row }) => !row))) {
    return html`<div class="empty"><h2>There is no channel ${id}</h2><p>It may have been deleted; what it measured is kept for a while, by nobody's name.</p><a class="btn" href=${to('channels')}>All channels</a></div>`;
  }
  const lines = rows.filter(({ found }) => found && found.times && isDrawn(found)).map(({ id: one, row, found, colour }) => ({ name: row ? row.name : String(one), unit: row ? row.unit : '', colour, series: found, holds: range.live && Boolean(row && row.state === 'logging') }));
  const names = rows.map(({ row, id: one }) => (row ? row.name : `channel ${one}`));
  const words = rows.map(({ found }, place) => { const said = found && found.times && figures(found); return said ? `${names[place]}: last ${withUnit(said.last, rows[place].row?.unit)}, lowest ${told(said.lowest)}, highest ${told(said.highest)}.` : `${names[place]}: nothing.`; }).join(' ');
  const seen = () => { const { from, to: end } = rangeOf(route.value.query); return { from, to: end }; };
  const ill = rows.find(({ row }) => row && !['logging', 'stopped'].includes(row.state));
  const long = range.to - range.from > SHORT;
  return html`
    <div class="head"><div class="grow"><p class="crumbs"><a href=${to('channels')}>Telemetry</a></p><h1>${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}</h1></div>
      ${rows.length === 1 && rows[0].row && html`<${State} is=${rows[0].row.state} title=${rows[0].row.error} /><div class="tools">${may.value.has('alarm_rule.add') && html`<button class="btn" onClick=${() => watch(rows[0])}>Add an alarm</button>`}<${Actions} rows=${[rows[0].row]} /></div>`}</div>
    ${ill && html`<section class="panel" style="margin-bottom:16px"><header><h2>Why ${ill.row.name} is ${ill.row.state}</h2></header><${Why} name=${ill.row.name} watch=${ill.row.version} /></section>`}
    <section class="panel"><${Range} />
      <div class="picture" aria-busy=${busy}><${Plot} lines=${lines} window=${seen} version=${version} zoom=${lookAt} reset=${reset} hover=${(moment) => { at.value = moment; }} keys=${move} words=${words} measured=${setWidth} />
        ${!busy && !lines.length && html`<p class="over dim">${range.live ? 'Nothing was measured in this time.' : 'Nothing was measured in this time. Zoom out, or look at the time until now.'}</p>`}</div>
      <p class="faint zone">Times of this ${long ? 'browser, ' : "browser's zone, "}${Intl.DateTimeFormat().resolvedOptions().timeZone}${Math.abs(clock.value) > 5000 ? `; the farm's clock differs by ${span(Math.abs(clock.value) / 1000)}` : ''}</p>
      <${Summary} rows=${rows} version=${version} at=${at} remove=${(one) => set(ids.filter((other) => other !== one))} /><${More} ids=${ids} set=${set} /></section>
    <${Values} rows=${rows} version=${version} />`;
}
