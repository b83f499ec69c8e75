// What an action came to, in the farm's own sentence, at the edge of the page. Errors stay until they are read.
import { html, signal } from '../html.js';
import { rpc } from '../rpc.js';

const shown = signal([]);
let number = 0;

export function say(text, { bad = false, undo = false } = {}) {
  const id = ++number;
  shown.value = [...shown.value.slice(-3), { id, text, bad, undo }];
  setTimeout(() => close(id), bad ? 15000 : 6000);
}

const close = (id) => { shown.value = shown.value.filter((one) => one.id !== id); };

/** Say what was refused, with the next step. */
export const complain = (error) => say(`${error.message} ${error.hint || ''}`.trim(), { bad: true });

async function takeBack(id) {
  close(id);
  try {
    await rpc('session.undo');
    say('Taken back.');
  } catch (error) {
    complain(error);
  }
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">${shown.value.map((one) => html`
    <div class="toast ${one.bad ? 'bad' : ''}" key=${one.id}>
      <span class="grow">${one.text}</span>
      ${one.undo && html`<button class="btn quiet small" onClick=${() => takeBack(one.id)}>Undo</button>`}
      <button class="btn quiet small" aria-label="Close" onClick=${() => close(one.id)}>×</button>
    </div>`)}</div>`;
}
