// A command's own form in a small window, with what is known already filled in. It must not know commands.
import { html, signal, useEffect, useState } from '../html.js';
import { Dialog } from './dialog.js';
import { Form, commands } from './form.js';
import { complain, say } from './toast.js';

const asked = signal(null);

/** Open the form of a method; `label` is what its button says. `fixed` params are sent and not shown; `done(answer)` when the farm said yes. */
export const askFor = (method, preset, label, { fixed, done } = {}) => { asked.value = { method, preset, label, fixed, done }; };

export function Asked() {
  const [known, setKnown] = useState(null);
  const open = asked.value;
  useEffect(() => { if (open && !known) commands().then(setKnown, (error) => { asked.value = null; complain(error); }); }, [open]);
  if (!open || !known) return null;
  const { method, preset, label, fixed, done } = open;
  const close = () => { asked.value = null; };
  return html`<${Dialog} title=${label} close=${close}><div class="body" style="padding-bottom:0"><h2>${label}</h2><p class="dim">${known[method].summary}</p></div>
    <${Form} key=${method} method=${known[method]} preset=${preset} fixed=${fixed} label=${label} done=${(answer) => { close(); if (done) done(answer); else say(`${label}: done.`); }} cancel=${close} /><//>`;
}
