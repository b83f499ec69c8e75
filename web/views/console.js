// The prompt in the page: the same words, the same answers, the same completion as telnet.
import { html, signal, useEffect, useRef, useState } from '../html.js';
import { rpc } from '../rpc.js';
import { confirm } from '../parts/dialog.js';

const said = signal([{ text: 'The words of the telnet prompt. Type help, or press Tab.' }]);
const history = [];

/** Whether the person wants it, asked where a line takes more than one thing away. What is no command the prompt says itself. */
async function sure(line) {
  let found;
  try { found = await rpc('rpc.touches', { line }); } catch { return true; }
  if (!found.destructive || found.count < 2) return true;
  const names = found.names.slice(0, 8).join(', ') + (found.count > 8 ? ` and ${found.count - 8} more` : '');
  return confirm(`${line}: ${found.count} ${found.noun}s?`, names, 'Go on');
}

export function Console() {
  const [line, setLine] = useState('');
  const [menu, setMenu] = useState(null);
  const [busy, setBusy] = useState(false);
  const back = useRef(0);
  const out = useRef(null);
  const input = useRef(null);
  useEffect(() => { out.current.scrollTop = out.current.scrollHeight; }, [said.value]);
  useEffect(() => { input.current.focus(); }, []);
  useEffect(() => { if (!busy && document.activeElement === document.body) input.current.focus(); }, [busy]); // what is disabled loses it

  async function enter() {
    const words = line.trim();
    setMenu(null);
    setLine('');
    back.current = 0;
    if (!words) return;
    history.push(words);
    setBusy(true);
    let text;
    try {
      const columns = Math.max(60, Math.floor(out.current.clientWidth / 7.7) - 2);
      text = !(await sure(words)) ? 'Nothing was changed.' : (await rpc('gateway.say', { line: words, columns }, 0)).text;
    } catch (error) { text = `ERR ${error.code || ''} ${error.message} ${error.hint || ''}`; }
    setBusy(false);
    said.value = [...said.value.slice(-400), { line: words, text }];
  }
  async function complete() {
    const cursor = input.current.selectionStart;
    try {
      const found = await rpc('rpc.complete', { line, cursor });
      if (input.current?.value !== line) return; // somebody has typed on
      if (found.items.length === 1) put(found, found.items[0], cursor);
      else setMenu(found.items.length ? { ...found, cursor, at: 0 } : null);
    } catch { setMenu(null); }
  }
  function put(found, item, cursor) {
    const end = item.text.endsWith('=') ? '' : ' ';
    setLine(line.slice(0, found.start) + item.text + end + line.slice(cursor));
    setMenu(null);
    input.current.focus();
  }
  function key(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === 'Tab' && !event.shiftKey) { event.preventDefault(); if (menu) put(menu, menu.items[menu.at], menu.cursor); else complete(); } else if (way && menu) { event.preventDefault(); setMenu({ ...menu, at: (menu.at + way + menu.items.length) % menu.items.length }); } else if (way) {
      event.preventDefault();
      back.current = Math.max(0, Math.min(history.length, back.current - way));
      setLine(back.current ? history[history.length - back.current] : '');
    } else if (event.key === 'Enter') { event.preventDefault(); if (menu) put(menu, menu.items[menu.at], menu.cursor); else enter(); } else if (event.key === 'Escape') { setMenu(null); }
  }
  return html`<div class="head"><h1>Console</h1></div><section class="console">
    <pre ref=${out} tabindex="0" aria-label="What was said" aria-live="polite">${said.value.map((one, at) => html`<div key=${at}>${one.line && html`<b>brender> ${one.line}</b>\n`}${one.text}\n</div>`)}</pre>
    <form onSubmit=${(event) => event.preventDefault()}>${menu && html`<ul class="menu" role="listbox" aria-label="Words">${menu.items.slice(0, 60).map((item, at) => html`<li key=${item.text} role="option" aria-selected=${at === menu.at} onMouseDown=${(event) => { event.preventDefault(); put(menu, item, menu.cursor); }}><span>${item.text}</span><span class="faint">${item.about}</span></li>`)}</ul>`}
      <label for="prompt">brender></label><input id="prompt" ref=${input} value=${line} autocomplete="off" autocapitalize="off" spellcheck="false" disabled=${busy} onInput=${(event) => { setLine(event.currentTarget.value); setMenu(null); }} onKeyDown=${key} /></form></section>`;
}
