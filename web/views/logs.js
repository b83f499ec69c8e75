// What an attempt has printed, or a machine's daemon has said: live, as a list that draws only what one sees, searched, with
// its errors marked. It goes on where it stopped when the connection broke.
import { effect, html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { link, onEvent, rpc } from '../rpc.js';
import { Lines } from '../parts/lines.js';
import { count } from '../parts/time.js';

const LINE = 18; // px
const LONGEST = 4000; // characters of a line that are drawn
/** A line as it is drawn: one that never ends says how much of it there is. */
const drawn = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}… and ${count(text.length - LONGEST)} characters more` : text);
const TALLEST = 15000000; // px; no browser draws anything much taller, so more lines are scrolled in larger steps
const CONTROL = /[\x00-\x08\x0b-\x1f]/g; // shown as the pictures that Unicode has for them
const plain = (text) => text.replace(/\r\n/g, '\n').replace(CONTROL, (one) => String.fromCharCode(0x2400 + one.charCodeAt(0)));

/** By which field an answer and the events of its session belong together, and what the log is of. */
const OF = {
  'task.log': { field: 'attempt', words: (found) => `attempt ${found.attempt} on ${found.worker}` },
  'worker.tail': { field: 'worker', words: () => "by that machine's clock" },
};

/** The lines of a log, which `changed` tells of once a frame at the most: { again, stop }. */
function follow(lines, method, asked, changed, about) {
  const { field, words } = OF[method];
  let here = true;
  let next = 0;
  let mine = null; // the attempt or machine whose events are ours
  let early = [];
  let held = ''; // a carriage return whose line end may come with the next piece
  let planned = false;
  let stopped = false; // the farm gave it up
  const later = () => { if (planned) return; planned = true; requestAnimationFrame(() => { planned = false; if (here) changed(); }); };
  const take = (data, expected = next) => {
    if (data.error) { stopped = true; about({ text: `${data.error.message} ${(data.error.data && data.error.data.hint) || ''}`, live: false }); }
    if (data.start > expected) lines.add(`${lines.rest ? '\n' : ''}[${count(data.start - expected)} bytes were dropped here]\n`);
    if (data.next) next = data.next;
    let text = held + (data.text || '');
    held = text.endsWith('\r') && !data.eof ? '\r' : '';
    text = held ? text.slice(0, -1) : text;
    if (text) lines.add(plain(text));
    about({ ...(data.size ? { part: next / data.size } : {}), ...(data.eof ? { live: false } : {}) });
    later();
  };
  const ask = () => {
    mine = null;
    early = [];
    stopped = false;
    rpc(method, { ...asked, start: next, follow: true }, 0).then((found) => {
      if (!here) return;
      mine = found[field];
      about({ text: words(found), live: found.following, asked: true });
      const expected = next;
      const came = early;
      next = Math.max(next, found.next);
      if (!found.following && !found.eof && next > expected) ask(); // it has ended: the next piece comes when it is asked for
      take(found, expected);
      for (const data of came) if (data[field] === mine) take(data);
    }, (error) => { if (here) { stopped = true; about({ text: `${error.message} ${error.hint}`, live: false }); } });
  };
  const deaf = onEvent((topic, data) => {
    if (topic !== method) return;
    if (mine === null) early.push(data);
    else if (data[field] === mine) take(data);
  });
  const quiet = effect(() => { if (link.value === 'live') ask(); });
  const stop = () => { here = false; quiet(); deaf(); rpc('farm.unsubscribe', { topics: [method] }).catch(() => {}); };
  return { again: () => { if (stopped && link.value === 'live') ask(); }, stop };
}

/** What one can do with a log: see how much of it is here, go to what went wrong or was looked for, stay at its end. */
function Tools({ lines, about, view, search, lost, tied, trouble, find, look, tie }) {
  const loading = about.part !== undefined && about.part < 0.999;
  return html`<div class="tools">
    <span class="dim grow" role="status">${about.text}${view.many ? `, ${count(lines.count)} lines` : ''}${lines.begin ? `, the first ${count(lines.begin)} made room` : ''}${loading ? `, ${Math.floor(100 * about.part)} % is here` : about.live ? ', live' : ''}</span>
    ${view.bad > 0 && html`<span class="seg" role="group" aria-label="Lines that tell of trouble"><button onClick=${() => trouble(-1)} aria-label="Error before this one">↑</button><button onClick=${() => trouble(1)}>${count(view.bad)} ${view.bad === 1 ? 'error' : 'errors'}</button><button onClick=${() => trouble(1)} aria-label="Next error">↓</button></span>`}
    <label><span class="sr">Search the log</span><input type="search" placeholder="Search the log" value=${search} aria-invalid=${lost} onInput=${(event) => { look(event.currentTarget.value); }} onKeyDown=${(event) => { if (event.key === 'Enter') { find(event.shiftKey ? -1 : 1); event.preventDefault(); } }} /></label>
    <span class="seg" role="group" aria-label="Found lines"><button onClick=${() => find(-1)} aria-label="Found before this one">↑</button><button onClick=${() => find(1)} aria-label="Next found">↓</button></span>
    <button class="btn small" aria-pressed=${tied} onClick=${() => tie(!tied)}>Follow</button></div>`;
}

/** The log that this method answers with for what is asked; asked for again, where it broke off, when `when` is another. */
export function Log({ method, asked, when, label }) {
  const lines = useRef(new Lines());
  const reader = useRef(null);
  const box = useRef(null);
  const [tied, setTied] = useState(true); // to the end: new lines scroll it
  const [view, setView] = useState({ top: 0, height: 480, many: 0, bad: 0 });
  const [about, setAbout] = useState({ text: 'Asking for the log…' });
  const [search, setSearch] = useState('');
  const [at, setAt] = useState(-1); // the line that was looked for
  const [lost, setLost] = useState(false);

  useEffect(() => {
    const made = lines.current = new Lines();
    const changed = () => setView((old) => ({ ...old, many: made.count - made.begin, bad: made.bad.length }));
    reader.current = follow(made, method, asked, changed, (more) => setAbout((old) => ({ ...old, ...more })));
    return reader.current.stop;
  }, [method, JSON.stringify(asked)]);
  useEffect(() => reader.current.again(), [when]);

  const height = view.many * LINE;
  const shownHeight = Math.min(height, TALLEST);
  const stretch = shownHeight > view.height ? (height - view.height) / (shownHeight - view.height) : 1;
  const top = view.top * stretch; // of what one sees, were it drawn whole
  useLayoutEffect(() => {
    if (tied && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [view.many, tied]);
  useEffect(() => {
    const seen = new ResizeObserver(() => { if (box.current) setView((old) => ({ ...old, height: box.current.clientHeight })); });
    seen.observe(box.current);
    return () => seen.disconnect();
  }, []);

  function show(line) {
    setLost(line < 0);
    if (line < 0) return;
    setAt(line);
    setTied(false);
    const wanted = Math.max(0, (line - lines.current.begin) * LINE - view.height / 2);
    box.current.scrollTop = wanted / stretch;
  }
  const find = (way) => { if (search) show(lines.current.find(search, at, way)); };
  const trouble = (way) => show(lines.current.nextBad(at < 0 && way < 0 ? lines.current.count : at, way));
  function scrolled(event) {
    const one = event.currentTarget;
    const end = one.scrollTop + one.clientHeight > one.scrollHeight - LINE;
    if (end !== tied && (end || one.scrollTop < view.top)) setTied(end); // only going up lets go of the end
    setView((old) => ({ ...old, top: one.scrollTop, height: one.clientHeight }));
  }
  function key(event) {
    if (event.key === 'e' || event.key === 'E') { trouble(event.key === 'e' ? 1 : -1); event.preventDefault(); }
    if (event.key === 'f') { setTied(!tied); event.preventDefault(); }
    if (event.key === 'End') setTied(true);
  }

  const from = Math.max(0, Math.floor(top / LINE) - 10);
  const slots = Math.ceil(view.height / LINE) + 24;
  const shown = [];
  for (let place = from; place < Math.min(view.many, from + slots); place += 1) {
    const line = lines.current.begin + place;
    const kind = line === at ? 'hit' : lines.current.isBad(line) ? 'bad' : '';
    shown.push(html`<div class="ln ${kind}" key=${place % slots} style="transform:translateY(${Math.round(view.top + place * LINE - top)}px)"><i aria-hidden="true">${line + 1}</i>${drawn(lines.current.at(line))}</div>`);
  }
  const nothing = about.asked && !view.many && !about.live;
  return html`<div class="logs"><${Tools} lines=${lines.current} ...${{ about, view, search, lost, tied, trouble, find }} look=${(text) => { setSearch(text); setLost(false); }} tie=${setTied} />
    ${lost && html`<p class="dim" role="status">No line has that.</p>`}
    ${nothing && html`<p class="dim">Nothing was printed.</p>`}
    <div class="log ${nothing ? 'none' : ''}" tabindex="0" role="log" aria-live="off" aria-label=${label || 'Log'} ref=${box} onScroll=${scrolled} onKeyDown=${key}><div style="position:relative;height:${Math.max(LINE, shownHeight)}px">${shown}</div></div></div>`;
}
