// One machine: what it runs and has run, what it measures, what it is, and why it idles.
import { html, useState } from '../html.js';
import { now, workers } from '../farm.js';
import { ofMachines } from '../measured.js';
import { rpc } from '../rpc.js';
import { to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { Spark, Value, useMeasured } from '../parts/measure.js';
import { useSoon } from '../parts/soon.js';
import { Why } from '../parts/why.js';
import { State, ofWorker } from '../parts/state.js';
import { Log } from './logs.js';
import { dayOf, span } from '../parts/time.js';
import { Warm } from '../parts/vitals.js';

const bytes = (mb) => (mb ? `${Math.round(mb / 102.4) / 10} GiB` : '–');
const MOST_TOGETHER = 8;
const taskAt = (one) => `${to('jobs', one.job_id)}?step=${one.step_id}&task=${one.task}`;

function Measures({ row }) {
  const mine = ofMachines.value.get(row.id) || [];
  if (!mine.length) return html`<section class="panel"><header><h2>Telemetry</h2></header><p class="dim">It has measured nothing of itself. A worker that was started with --channels all says how busy, full and hot it is.</p></section>`;
  const short = (one) => (one.name.startsWith(`${one.device}.`) ? one.name.slice(one.device.length + 1) : one.name);
  return html`<section class="panel"><header><h2 class="grow">Telemetry</h2><a class="btn small" href=${`#/channels/${mine.slice(0, MOST_TOGETHER).map((one) => one.id).join(',')}`}>Plot together</a></header>
    <div class="chanlist">${mine.map((one) => html`<a key=${one.id} href=${`#/channels/${one.id}`} title=${one.error || one.name}><span class="grow ell">${short(one)}</span>${one.state === 'logging' ? html`<${Spark} channel=${one} width=${64} />` : html`<${State} is=${one.state} />`}<span style="min-width:70px;text-align:right"><${Value} channel=${one} /></span></a>`)}</div></section>`;
}

/** What it ran last; asked for again when it has ended something. */
function History({ row }) {
  const [found, setFound] = useState(null);
  useSoon(() => rpc('worker.history', { worker: row.id, limit: 30 }).then(setFound, () => {}), row, 2000);
  if (!found) return null;
  return html`<section class="panel"><header><h2>What it ran</h2></header>
    ${found.attempts.length ? html`<ul class="why ran">${found.attempts.map((one) => html`<li key=${one.attempt}><${State} is=${one.state} /> ${one.job ? html`<a href=${taskAt(one)}>${one.job}</a>` : html`<span class="faint">a job that was deleted</span>`} <span class="dim">${one.step} task ${one.task}, ${dayOf(one.started_at || one.assigned_at)}${one.seconds !== null ? `, ${span(one.seconds)}` : ''}</span>${one.reason && html`<div class="dim">${one.reason}</div>`}</li>`)}</ul>`
    : html`<p class="dim">It has run nothing yet.</p>`}</section>`;
}

export function Worker({ id }) {
  useMeasured();
  const row = workers.get(Number(id));
  const [more, setMore] = useState(null);
  useSoon(() => rpc('worker.show', { workers: [String(id)] }).then((found) => setMore(found.workers[0]), () => {}), row, 500);
  if (!row) return html`<div class="empty"><h2>There is no machine ${id}</h2><p><a class="btn" href=${to('workers')}>All machines</a></p></div>`;
  const facts = (more && more.facts) || {};
  return html`
    <div class="head"><div class="grow"><p class="crumbs"><a href=${to('workers')}>Farm</a></p><h1>${row.name}</h1></div><${State} is=${ofWorker(row)} /><div class="tools"><${Actions} rows=${[row]} /></div></div>
    ${row.warning && html`<p class="banner" style="border-radius:8px;margin-bottom:16px">${row.warning}</p>`}
    <div class="split"><div>
      <section class="panel"><header><h2 class="grow">At work</h2><span class="dim">${row.used || 0} of ${row.slots} slots</span></header>
        ${more && more.attempts.length ? html`<ul class="why ran">${more.attempts.map((one) => html`<li key=${one.id}><${State} is=${one.state} /> <a href=${one.job_id ? taskAt(one) : to('jobs')}>${one.job}</a> <span class="dim">${one.step}, task ${one.task}${one.pid ? `, pid ${one.pid}` : ''}</span></li>`)}</ul>` : html`<${Why} name=${row.name} watch=${row.version} title="Why it idles" />`}
      </section>
      <${Measures} row=${row} />
      <section class="panel short"><header><h2>What it says</h2></header><${Log} key=${row.id} method="worker.tail" asked=${{ worker: String(row.id) }} when=${row.presence} label="What it says" /></section>
      <${History} key=${row.id} row=${row} />
    </div><aside class="panel"><header><h2>Machine</h2></header><dl class="facts">
      <dt>Address</dt><dd class="mono">${row.mac}</dd><dt>Host</dt><dd>${row.hostname}</dd><dt>System</dt><dd>${row.platform}</dd>
      <dt>Cores</dt><dd>${facts.cores || '–'}</dd><dt>Memory</dt><dd>${bytes(facts.memory_mb)}</dd><dt>GPUs</dt><dd>${facts.gpus ? `${facts.gpus}${facts.gpu_names ? `: ${[].concat(facts.gpu_names).join(', ')}` : ''}` : 'none'}</dd>
      <dt>Tags</dt><dd>${(row.tags || []).join(', ') || '–'}</dd><dt>Warm file</dt><dd>${(row.warm || []).length ? html`<${Warm} row=${row} />` : '–'}</dd><dt>Heard</dt><dd>${more && more.heard !== null ? `${span(more.heard)} ago` : '–'}</dd>
      <dt>Known for</dt><dd>${span(now() - row.created_at)}</dd><dt>Runs</dt><dd>${more ? (more.functions || []).join(', ') : '…'}</dd></dl></aside></div>`;
}
