// One machine: what it runs, what it is, and why it idles.
import { html, useEffect, useState } from '../html.js';
import { now, workers } from '../farm.js';
import { rpc } from '../rpc.js';
import { to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Why } from '../parts/why.js';
import { State, ofWorker } from '../parts/state.js';
import { span } from '../parts/time.js';

const bytes = (mb) => (mb ? `${Math.round(mb / 102.4) / 10} GiB` : '–');

export function Worker({ id }) {
  const row = workers.get(Number(id));
  const [more, setMore] = useState(null);
  useEffect(() => {
    let here = true;
    rpc('worker.show', { workers: [String(id)] }).then((found) => { if (here) setMore(found.workers[0]); }, () => {});
    return () => { here = false; };
  }, [id, row && row.used, row && row.presence]);
  if (!row) return html`<div class="empty"><h2>There is no machine ${id}</h2><p><a class="btn" href=${to('workers')}>All machines</a></p></div>`;
  const facts = (more && more.facts) || {};
  return html`
    <div class="head"><div class="grow"><p class="crumbs"><a href=${to('workers')}>Farm</a></p><h1>${row.name}</h1></div><${State} is=${ofWorker(row)} /><div class="tools"><${Actions} rows=${[row]} /></div></div>
    ${row.warning && html`<p class="banner" style="border-radius:8px;margin-bottom:16px">${row.warning}</p>`}
    <div class="split"><div>
      <section class="panel"><header><h2 class="grow">At work</h2><span class="dim">${row.used || 0} of ${row.slots} slots</span></header>
        ${more && more.attempts.length ? html`<ul class="why">${more.attempts.map((one) => html`<li key=${one.id}><${State} is=${one.state} /> <a href=${to('jobs', one.job_id || '')}>${one.job}</a> <span class="dim">${one.step}, task ${one.task}${one.pid ? `, pid ${one.pid}` : ''}</span></li>`)}</ul>` : html`<${Why} method="farm.why" name=${row.name} watch=${row.version} title="Why it idles" />`}
      </section>
    </div><aside class="panel"><header><h2>Machine</h2></header><dl class="facts">
      <dt>Address</dt><dd class="mono">${row.mac}</dd><dt>Host</dt><dd>${row.hostname}</dd><dt>System</dt><dd>${row.platform}</dd>
      <dt>Cores</dt><dd>${facts.cores || '–'}</dd><dt>Memory</dt><dd>${bytes(facts.memory_mb)}</dd><dt>GPUs</dt><dd>${facts.gpus ? `${facts.gpus}${facts.gpu_names ? `: ${[].concat(facts.gpu_names).join(', ')}` : ''}` : 'none'}</dd>
      <dt>Tags</dt><dd>${(row.tags || []).join(', ') || '–'}</dd><dt>Heard</dt><dd>${more && more.heard !== null ? `${span(more.heard)} ago` : '–'}</dd>
      <dt>Known for</dt><dd>${span(now() - row.created_at)}</dd><dt>Runs</dt><dd>${more ? (more.functions || []).join(', ') : '…'}</dd></dl></aside></div>`;
}
