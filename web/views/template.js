// A job from an Open Job Description template: pasted or chosen, its parameters as fields as it asks for them, and what is
// wrong with it in the words of whoever reads it. It must not know what a template means: the gateway and the farm do.
import { html, useEffect, useRef, useState } from '../html.js';
import { may, projects } from '../farm.js';
import { rpc } from '../rpc.js';
import { go } from '../route.js';
import { Path } from '../parts/paths.js';
import { say } from '../parts/toast.js';

const WAIT = 300; // ms without a key
const EXAMPLE = `specificationVersion: jobtemplate-2023-09
name: Greet {{Param.Whom}}
parameterDefinitions:
  - {name: Whom, type: STRING, default: world}
steps:
  - name: Greet
    script: {actions: {onRun: {command: echo, args: ["Hello {{Param.Whom}}"]}}}`;

/** Ask the gateway about a template; throws its sentence. */
async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch { throw new Error('The page is not connected to the farm. Nothing was sent.'); }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

/** The control that a parameter asks for, or what its type comes to. */
function controlOf(one) {
  const asked = one.userInterface && one.userInterface.control;
  if (asked) return asked;
  if (one.allowedValues) return 'DROPDOWN_LIST';
  if (one.type === 'PATH') return one.objectType === 'FILE' ? (one.dataFlow === 'OUT' ? 'CHOOSE_OUTPUT_FILE' : 'CHOOSE_INPUT_FILE') : 'CHOOSE_DIRECTORY';
  return { INT: 'SPIN_BOX', FLOAT: 'SPIN_BOX', BOOL: 'CHECK_BOX' }[one.type] || 'LINE_EDIT';
}

/** Endings that a chooser offers: "*.blend" of all filters, none where one of them takes every file. */
function endingsOf(one) {
  const filters = ((one.userInterface || {}).fileFilters || []).flatMap((filter) => filter.patterns);
  return filters.every((pattern) => /^\*\.[^*?]+$/.test(pattern)) ? filters.map((pattern) => pattern.slice(1)) : [];
}

const TRUE = /^(true|yes|on|1)$/i;

function Field({ one, value, set }) {
  const shown = one.userInterface || {};
  const control = controlOf(one);
  const label = shown.label || one.name;
  const hint = one.description || '';
  const typed = (event) => set(event.currentTarget.value);
  if (control.startsWith('CHOOSE')) return html`<${Path} label=${label} value=${value} set=${set} hint=${hint} endings=${endingsOf(one)} folders=${control === 'CHOOSE_DIRECTORY'} required=${one.default === undefined} wide />`;
  if (control === 'CHECK_BOX') {
    const words = one.allowedValues || ['true', 'false'];
    const yes = words.find((word) => TRUE.test(word)) ?? words[0];
    const no = words.find((word) => word !== yes) ?? '';
    return html`<label class="field check"><input type="checkbox" checked=${TRUE.test(value)} onChange=${(event) => set(String(event.currentTarget.checked ? yes : no))} /><span>${label}</span><small>${hint}</small></label>`;
  }
  const number = one.type === 'INT' || one.type === 'FLOAT';
  // The browser checks nothing (a step is a comfort, no rule): the farm says what is no answer. Steps count from zero.
  const step = shown.singleStepDelta ?? (one.type === 'INT' ? 1 : shown.decimals ? 10 ** -shown.decimals : 'any');
  const input = control === 'DROPDOWN_LIST' ? html`<select value=${value} onChange=${typed}>${one.default === undefined && html`<option value=""></option>`}${one.allowedValues.map((word) => html`<option key=${word} value=${String(word)}>${String(word)}</option>`)}</select>`
    : control === 'MULTILINE_EDIT' ? html`<textarea rows="4" value=${value} onInput=${typed}></textarea>`
    : html`<input type=${number ? 'number' : 'text'} step=${number ? step : undefined} min=${shown.singleStepDelta ? undefined : one.minValue} max=${one.maxValue} maxlength=${one.maxLength} required=${one.default === undefined && !(one.minLength === 0)} value=${value} onInput=${typed} />`;
  return html`<label class="field ${control === 'MULTILINE_EDIT' ? 'wide' : ''}"><span>${label}</span>${input}<small>${hint}</small></label>`;
}

/** Parameters by the group that they ask to be in, in order. */
function grouped(parameters) {
  const groups = new Map();
  for (const one of parameters) {
    if (controlOf(one) === 'HIDDEN') continue;
    const name = (one.userInterface && one.userInterface.groupLabel) || '';
    groups.set(name, [...(groups.get(name) || []), one]);
  }
  return [...groups];
}

export function Template() {
  const [text, setText] = useState('');
  const [asks, setAsks] = useState(null);
  const [given, setGiven] = useState({});
  const [wish, setWish] = useState({ name: '', project: '', priority: '50', chunk: '1' });
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const newest = useRef(0);
  useEffect(() => {
    newest.current += 1;
    const mine = newest.current;
    if (!text.trim()) { setAsks(null); setWrong(''); return undefined; }
    const timer = setTimeout(async () => {
      try {
        const found = await ask('template', { template: text });
        if (mine === newest.current) { setAsks(found); setWrong(''); }
      } catch (error) { if (mine === newest.current) { setAsks(null); setWrong(error.message); } }
    }, WAIT);
    return () => clearTimeout(timer);
  }, [text]);
  const valueOf = (one) => given[one.name] ?? (one.default === undefined ? '' : typeof one.default === 'object' ? JSON.stringify(one.default) : String(one.default));
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    setWrong('');
    try {
      const parameters = {};
      for (const one of asks.parameters) if (given[one.name] !== undefined && given[one.name] !== '') parameters[one.name] = given[one.name];
      const { tree } = await ask('template/job', { template: text, parameters, name: wish.name, project: wish.project || 'default', priority: Number(wish.priority), chunk: Number(wish.chunk) || 1 });
      const made = await rpc('job.create', { json: tree, run: true });
      say(`${made.jobs[0].name} is submitted.`);
      go('jobs', made.jobs[0].id);
    } catch (error) { setWrong(`${error.message} ${error.hint || ''}`.trim()); } finally { setBusy(false); }
  }
  const field = (name, label, more = {}, hint = '') => html`<label class="field"><span>${label}</span><input type=${more.type || 'text'} min=${more.min} max=${more.max} list=${more.list} placeholder=${more.placeholder || ''} value=${wish[name]} onInput=${(event) => { const { value } = event.currentTarget; setWish((old) => ({ ...old, [name]: value })); }} />${hint && html`<small>${hint}</small>`}</label>`;
  return html`<form onSubmit=${send} novalidate class="template" onDragOver=${(event) => event.preventDefault()} onDrop=${async (event) => { const file = event.dataTransfer.files[0]; if (file) { event.preventDefault(); setText(await file.text()); } }}>
    <div class="form"><label class="field wide"><span>Template</span><textarea rows=${asks ? 6 : 12} class="mono" spellcheck="false" value=${text} placeholder=${EXAMPLE} onInput=${(event) => setText(event.currentTarget.value)}></textarea><small>Open Job Description, YAML or JSON: paste it, drop a file here, or choose one.</small></label>
      <label class="field"><span>Template file</span><input type="file" accept=".yaml,.yml,.json" onChange=${async (event) => { const file = event.currentTarget.files[0]; if (file) setText(await file.text()); }} /></label></div>
    ${wrong && html`<pre class="wrong" role="alert">${wrong}</pre>`}
    ${asks && html`<p style="margin:16px 0 8px"><b>${asks.name}</b> <span class="dim">${asks.description}</span> <span class="faint">${asks.steps.length === 1 ? 'one step' : `${asks.steps.length} steps`}: ${asks.steps.map((one) => one.name).join(', ')}</span></p>
      ${grouped(asks.parameters).map(([name, all]) => html`<fieldset key=${name}><legend>${name || 'Parameters'}</legend><div class="form">${all.map((one) => html`<${Field} key=${one.name} one=${one} value=${valueOf(one)} set=${(value) => setGiven((old) => ({ ...old, [one.name]: value }))} />`)}</div></fieldset>`)}
      <fieldset><legend>The job</legend><div class="form">${field('name', 'Job name', { placeholder: "the template's, and the time" })}${field('project', 'Project', { list: 'template-projects', placeholder: 'default' })}<datalist id="template-projects">${projects.all.map((one) => html`<option key=${one.id} value=${one.name} />`)}</datalist>${field('priority', 'Priority', { type: 'number', min: 0, max: 100 }, '0 to 100, higher first')}${field('chunk', 'Points a task', { type: 'number', min: 1 }, 'so many share one session')}</div></fieldset>
      <p style="margin-top:18px"><button class="btn primary" disabled=${busy || !may.value.has('job.create')}>Submit and start</button></p>`}</form>`;
}
