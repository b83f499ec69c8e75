// Submit: a .blend on the farm's storage or uploaded, frames, a preset; a template; or any other function by its own form.
import { html, useEffect, useState } from '../html.js';
import { may, presets, projects } from '../farm.js';
import { rpc } from '../rpc.js';
import { go, refine, route } from '../route.js';
import { Form, commands } from '../parts/form.js';
import { Path } from '../parts/paths.js';
import { complain, say } from '../parts/toast.js';
import { Template } from './template.js';

const BEGINS = ['BLENDER', '\x1f\x8b', '\x28\xb5\x2f\xfd']; // as it is, or compressed in one of Blender's two ways

/** Why a file is no scene, before all of it is sent; nothing where it may be one. */
async function unfit(file) {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 7).arrayBuffer()));
  return file.name.endsWith('.blend') && BEGINS.some((one) => head.startsWith(one)) ? '' : `${file.name} is no .blend file; nothing was sent.`;
}

/** Send a file to the gateway; progress(part) while it goes, begun(cancel) at once. Resolves with its path on the farm's storage. */
function upload(file, progress, begun) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `upload?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? resolve(request.response.path) : reject(new Error((request.response && request.response.error) || `The upload was refused (${request.status}).`)));
    request.onerror = () => reject(new Error('The upload broke off; nothing was kept.'));
    request.onabort = () => reject(new Error('The upload was cancelled; nothing was kept.'));
    request.send(file);
    begun(() => request.abort());
  });
}

const outputFor = (path) => (stem(path) ? `${path.replace(/[^/]*$/, '')}renders/${stem(path)}` : '');
const stem = (path) => path.split('/').pop().replace(/\.blend\d*$/, '');

function Blend() {
  const [form, setForm] = useState({ blend: '', name: '', output: '', frames: '1-24', preset: '', engine: '', project: '', priority: '50', tags: '', chunk: '1' });
  const [sent, setSent] = useState(null);
  const [busy, setBusy] = useState(false);
  const put = (name, value) => setForm((old) => ({ ...old, [name]: value }));
  const set = (name) => (event) => put(name, event.currentTarget.value);
  // The name and the folder follow the scene until somebody has another wish.
  const choose = (blend) => setForm((old) => ({ ...old, blend, name: old.name && old.name !== stem(old.blend) ? old.name : stem(blend), output: old.output && old.output !== outputFor(old.blend) ? old.output : outputFor(blend) }));
  async function take(file) {
    if (!file || sent) return;
    try {
      const why = await unfit(file);
      if (why) throw new Error(why);
      setSent({ part: 0, file });
      const path = await upload(file, (part) => setSent((old) => ({ ...old, part })), (cancel) => setSent((old) => ({ ...old, cancel })));
      setForm((old) => ({ ...old, blend: path, name: stem(file.name), output: `${path.replace(/[^/]*$/, '')}${stem(path)}-frames` }));
      say(`${file.name} is on the farm's storage.`);
    } catch (error) { complain(error); } finally { setSent(null); }
  }
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    try {
      const chosen = form.preset ? presets.all.find((one) => one.name === form.preset) : null;
      const params = { ...(chosen ? chosen.params : {}), blend: form.blend, output: form.output, ...(form.engine ? { engine: form.engine } : {}) };
      const made = await rpc('job.create', { name: form.name, function: 'blender', frames: form.frames, params, priority: Number(form.priority), chunk: form.chunk === 'auto' ? 'auto' : Number(form.chunk) || 1, run: true, ...(form.project ? { project: form.project } : {}), ...(form.tags ? { tags: form.tags } : {}) });
      say(`${form.name} is submitted.`);
      go('jobs', made.jobs[0].id);
    } catch (error) { complain(error); } finally { setBusy(false); }
  }
  const field = (name, label, more = {}, hint = '') => html`<label class="field ${more.wide ? 'wide' : ''}"><span>${label}</span><input type=${more.type || 'text'} value=${form[name]} onInput=${set(name)} required=${more.required} list=${more.list} placeholder=${more.placeholder || ''} />${hint && html`<small>${hint}</small>`}</label>`;
  return html`<form onSubmit=${send} onDragOver=${(event) => event.preventDefault()} onDrop=${(event) => { event.preventDefault(); take(event.dataTransfer.files[0]); }}><div class="form">
    <${Path} label="Scene (.blend)" value=${form.blend} set=${choose} endings=${['.blend']} required wide placeholder="/srv/shots/010.blend" hint="The path as workers see it, or drop a file anywhere on this form." />
    <label class="field"><span>Upload</span><input type="file" accept=".blend" disabled=${Boolean(sent)} onChange=${(event) => { const [file] = event.currentTarget.files; event.currentTarget.value = ''; take(file); }} /><small>${sent ? `${sent.file.name}, ${Math.round(sent.file.size / 1e6)} MB` : 'to the folder of the web gateway'}</small></label>
    ${sent && html`<div class="wide sending"><div class="bar grow" role="progressbar" aria-label="Upload of ${sent.file.name}" aria-valuenow=${Math.round(100 * sent.part)} aria-valuemin="0" aria-valuemax="100"><span class="live" style="width:${100 * sent.part}%"></span></div><span class="num">${Math.round(100 * sent.part)} %</span><button type="button" class="btn small" onClick=${sent.cancel}>Cancel the upload</button></div>`}
    ${field('name', 'Job name', { required: true })}
    ${field('frames', 'Frames', { required: true }, '1-100, 1,5,8-12, 1-100x2 or 1-100:8')}
    <${Path} label="Output folder" value=${form.output} set=${(value) => put('output', value)} folders required hint="It is made where it is missing." />
    <label class="field"><span>Preset</span><select value=${form.preset} onChange=${set('preset')}><option value="">the scene's own settings</option>${presets.all.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}${one.description ? `: ${one.description}` : ''}</option>`)}</select></label>
    <label class="field"><span>Engine</span><select value=${form.engine} onChange=${set('engine')}><option value="">the scene's own</option><option>CYCLES</option><option>BLENDER_EEVEE</option><option>BLENDER_WORKBENCH</option></select></label>
    ${field('project', 'Project', { list: 'projects', placeholder: 'default' })}<datalist id="projects">${projects.all.map((one) => html`<option key=${one.id} value=${one.name} />`)}</datalist>
    ${field('priority', 'Priority', { type: 'number' }, '0 to 100, higher first')}${field('tags', 'Pool (tags)', {}, 'only machines that have them all')}${field('chunk', 'Frames a task', {}, 'a number, or auto')}
    </div><p style="margin-top:18px"><button class="btn primary" disabled=${busy || Boolean(sent) || !may.value.has('job.create')}>Submit and start</button></p></form>`;
}

const KINDS = [['', 'Blender scene'], ['template', 'Template'], ['any', 'Any function']];

export function Submit() {
  const { kind = '' } = route.value.query;
  const [known, setKnown] = useState(null);
  useEffect(() => { commands().then(setKnown, complain); }, []);
  return html`<div class="head"><h1 class="grow">Submit a job</h1><div class="seg" role="group" aria-label="What kind">${KINDS.map(([value, words]) => html`<button key=${value} aria-pressed=${kind === value} onClick=${() => refine({ kind: value })}>${words}</button>`)}</div></div>
    <section class="panel">${kind === 'template' ? html`<${Template} />` : kind === 'any' ? known && html`<${Form} method=${known['job.create']} label="Submit" preset=${{ run: true }} done=${(made) => { say('Submitted.'); if (made.jobs) go('jobs', made.jobs[0].id); }} />` : html`<${Blend} />`}</section>`;
}
