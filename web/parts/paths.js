// A field for a path on the farm's storage: what is there is offered while one types, folders lead on.
import { html, useEffect, useRef, useState } from '../html.js';

/** What begins so on the storage that the gateway sees: { folder, entries: [{ name, folder }], more }. */
async function browse(path, endings, folders) {
  const words = new URLSearchParams([['path', path], ...(endings || []).map((one) => ['ending', one]), ...(folders ? [['folders', '1']] : [])]);
  const answer = await fetch(`browse?${words}`);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

const WAIT = 90; // ms without a key
let number = 0;

/** endings: ['.blend'] or none for all; folders: only those. set(path). */
export function Path({ label, value, set, endings, folders, required, placeholder, hint, wide }) {
  const [found, setFound] = useState(null);
  const [at, setAt] = useState(-1);
  const [said, setSaid] = useState('');
  const timer = useRef(0);
  const newest = useRef(0); // question; an answer to an older one may come after its own
  const input = useRef(null);
  const id = useRef(`paths-${number += 1}`);
  useEffect(() => forget, []);

  function forget() {
    clearTimeout(timer.current);
    newest.current += 1;
  }
  function look(path) {
    forget();
    const mine = newest.current;
    timer.current = setTimeout(async () => {
      try {
        const answer = await browse(path, endings, folders);
        if (mine !== newest.current) return;
        setSaid('');
        setAt(-1);
        const same = answer.entries.length === 1 && answer.folder + answer.entries[0].name === path && !answer.entries[0].folder;
        setFound(same || document.activeElement !== input.current ? null : answer);
      } catch (error) { if (mine === newest.current) { setFound(null); setSaid(path.length > 1 ? error.message : ''); } }
    }, WAIT);
  }
  function take(entry) {
    const path = `${found.folder}${entry.name}${entry.folder && !entry.name.endsWith('/') ? '/' : ''}`;
    set(path);
    input.current.focus();
    if (entry.folder) look(path);
    else { forget(); setFound(null); }
  }
  function key(event) {
    const entries = found ? found.entries : [];
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way && entries.length) { event.preventDefault(); setAt((at + way + entries.length) % entries.length); } else if (event.key === 'ArrowDown') look(value);
    else if (event.key === 'Enter' && found && at >= 0) { event.preventDefault(); take(entries[at]); } else if (event.key === 'Tab' && !event.shiftKey && entries.length && (at >= 0 || entries.length === 1)) { event.preventDefault(); take(entries[Math.max(0, at)]); } else if (event.key === 'Escape' && found) { event.stopPropagation(); forget(); setFound(null); }
  }
  const open = found && found.entries.length > 0;
  return html`<div class="field paths ${wide ? 'wide' : ''}"><label for=${id.current}>${label}</label>
    <input id=${id.current} ref=${input} type="text" role="combobox" aria-expanded=${Boolean(open)} aria-controls="${id.current}-list" aria-autocomplete="list" aria-activedescendant=${at >= 0 ? `${id.current}-${at}` : undefined} autocomplete="off" autocapitalize="off" spellcheck="false"
      value=${value} required=${required} placeholder=${placeholder || ''} onInput=${(event) => { set(event.currentTarget.value); look(event.currentTarget.value); }} onFocus=${() => look(value)} onBlur=${() => { forget(); setFound(null); }} onKeyDown=${key} />
    ${open && html`<ul class="offer" id="${id.current}-list" role="listbox" aria-label="On the farm's storage">${found.entries.map((entry, place) => html`<li key=${entry.name} id="${id.current}-${place}" role="option" aria-selected=${place === at} onMouseDown=${(event) => { event.preventDefault(); take(entry); }}><span aria-hidden="true">${entry.folder ? '▸' : ' '}</span>${entry.name}${entry.folder && !entry.name.endsWith('/') ? '/' : ''}</li>`)}${found.more && html`<li class="faint" role="presentation">and more: type on</li>`}</ul>`}
    <small>${said || hint || ''}</small></div>`;
}
