// A question before something that touches much, and any other small window. Esc and a click beside it close it.
import { html, signal, useLayoutEffect, useRef } from '../html.js';

const asked = signal(null);

/** Resolves true when the person says yes. */
export const confirm = (title, text, yes) => new Promise((resolve) => { asked.value = { title, text, yes, resolve }; });

export function Dialog({ title, close, children, palette }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const first = box.current.querySelector('[autofocus], input, select, textarea, button');
    if (first) first.focus();
    const key = (event) => {
      if (event.key === 'Escape') { event.stopPropagation(); close(); }
      if (event.key !== 'Tab') return;
      const stops = [...box.current.querySelectorAll('input, select, textarea, button, a[href]')].filter((one) => !one.disabled);
      const at = stops.indexOf(document.activeElement);
      if (event.shiftKey ? at <= 0 : at === stops.length - 1) { event.preventDefault(); stops[event.shiftKey ? stops.length - 1 : 0]?.focus(); }
    };
    document.addEventListener('keydown', key, true);
    return () => { document.removeEventListener('keydown', key, true); before && before.focus && before.focus(); };
  }, []);
  return html`<div class="veil" onMouseDown=${(event) => { if (event.target === event.currentTarget) close(); }}>
    <div class="dialog ${palette ? 'palette' : ''}" role="dialog" aria-modal="true" aria-label=${title} ref=${box}>${children}</div></div>`;
}

export function Confirm() {
  if (!asked.value) return null;
  const { title, text, yes, resolve } = asked.value;
  const answer = (value) => { asked.value = null; resolve(value); };
  return html`<${Dialog} title=${title} close=${() => answer(false)}>
    <div class="body"><h2>${title}</h2><p class="dim">${text}</p></div>
    <div class="foot"><button class="btn" onClick=${() => answer(false)}>Leave it</button>
      <button class="btn primary" autofocus onClick=${() => answer(true)}>${yes}</button></div><//>`;
}
