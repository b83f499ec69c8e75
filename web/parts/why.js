// Why something waits or idles, in the farm's own sentences, with the next step beside each.
import { html, useEffect, useState } from '../html.js';
import { fills } from '../farm.js';
import { rpc } from '../rpc.js';

export function Why({ name, task, watch, title }) {
  const [said, setSaid] = useState(null);
  useEffect(() => {
    let here = true;
    rpc('farm.why', task === undefined ? { what: name } : { what: name, task }).then((found) => { if (here) setSaid(found); }, (error) => { if (here) setSaid({ reasons: [{ text: error.message, next: error.hint }] }); });
    return () => { here = false; };
  }, [name, task, watch, fills.value]);
  if (!said) return null;
  const reasons = said.reasons || [];
  return html`${title && html`<h3>${title}</h3>`}<ul class="why">${reasons.length ? reasons.map((one, at) => html`<li key=${at}>${one.text}${one.next && html`<div class="next mono">${one.next}</div>`}</li>`) : html`<li class="dim">${said.text || 'Nothing keeps it.'}</li>`}</ul>`;
}
