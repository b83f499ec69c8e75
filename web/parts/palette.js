// Ctrl-K: every page, machine, job and command of the farm, found by a few letters; a command opens its form.
import { html, signal, useEffect, useRef, useState } from '../html.js';
import { channels, jobs, may, workers } from '../farm.js';
import { go, to } from '../route.js';
import { Dialog } from './dialog.js';
import { Form, commands } from './form.js';
import { complain, say } from './toast.js';

const open = signal(false);
export const openPalette = () => { open.value = true; };
const MOST = 40;

/** How well a text has the letters in order; 0 is not at all. */
function score(text, letters) {
  const low = text.toLowerCase();
  if (!letters) return 1;
  const at = low.indexOf(letters);
  if (at >= 0) return 100 - at - low.length / 100;
  let from = 0;
  for (const letter of letters) {
    from = low.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return 1 + letters.length / low.length;
}

export function Palette({ pages }) {
  if (!open.value) return null;
  return html`<${Finder} pages=${pages} close=${() => { open.value = false; }} />`;
}

function Finder({ pages, close }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [known, setKnown] = useState({});
  const [method, setMethod] = useState(null);
  const [answer, setAnswer] = useState(null);
  const list = useRef(null);
  useEffect(() => { commands().then(setKnown, complain); }, []);
  const letters = text.trim().toLowerCase().replace(/\s+/g, '.');
  const things = [
    ...pages.map((page) => ({ name: page.label, about: 'page', run: () => { location.hash = page.to; close(); } })),
    ...Object.values(known).filter((one) => may.value.has(one.name)).map((one) => ({ name: one.name.replace('.', ' ').replaceAll('_', '-'), key: one.name, about: one.summary, run: () => setMethod(one) })),
    ...workers.all.slice(0, 2000).map((row) => ({ name: row.name, about: 'machine', run: () => { go('workers', row.id); close(); } })),
    ...jobs.all.slice(0, 2000).map((row) => ({ name: row.name, about: `job of ${row.project}`, run: () => { go('jobs', row.id); close(); } })),
    ...channels.all.slice(0, 2000).map((row) => ({ name: row.name, about: 'channel', run: () => { go('channels', row.id); close(); } })),
  ];
  const found = things.map((one) => [score(one.key || one.name, letters) || score(one.name, text.trim().toLowerCase()), one]).filter(([value]) => value > 0).sort((a, b) => b[0] - a[0]).slice(0, MOST).map(([, one]) => one);
  useEffect(() => { list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }); }, [at]);

  if (answer) return html`<${Dialog} title=${method.name} close=${close}><div class="body"><h2>${method.name.replace('.', ' ')}</h2><pre class="mono" style="white-space:pre-wrap;overflow-wrap:anywhere">${answer}</pre></div><div class="foot"><button class="btn primary" onClick=${close}>Close</button></div><//>`;
  if (method) {
    const done = (said) => { say(`${method.name.replace('.', ' ')}: done.`); if (said && Object.keys(said).length) setAnswer(JSON.stringify(said, null, 2)); else close(); };
    return html`<${Dialog} title=${method.name} close=${close}><div class="body" style="padding-bottom:0"><h2>${method.name.replace('.', ' ')}</h2><p class="dim">${method.summary}</p></div><${Form} method=${method} label="Do it" done=${done} cancel=${close} /><//>`;
  }
  function key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); setAt((old) => Math.max(0, Math.min(found.length - 1, old + step))); }
    if (event.key === 'Enter' && found[at]) { event.preventDefault(); found[at].run(); }
  }
  return html`<${Dialog} title="Find or do anything" close=${close} palette>
    <input role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label="Find or do anything" aria-activedescendant="palette-${at}" placeholder="A machine, a job, a page, or a command" autofocus value=${text} onInput=${(event) => { setText(event.currentTarget.value); setAt(0); }} onKeyDown=${key} />
    <ul id="palette-list" role="listbox" aria-label="What was found" ref=${list}>${found.map((one, place) => html`<li key=${one.key || `${one.about}/${one.name}`} id="palette-${place}" role="option" aria-selected=${place === at} onMouseMove=${() => setAt(place)} onClick=${one.run}><span class="ell">${one.name}</span><span class="faint ell">${one.about}</span></li>`)}</ul>
    ${!found.length && html`<p class="dim" style="padding:14px 18px">Nothing is called that.</p>`}<//>`;
}
