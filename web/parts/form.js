// A form made from a command of the table: each parameter a field, its text beside it. It must not know commands.
import { html, useState } from '../html.js';
import { rpc } from '../rpc.js';
import { complain } from './toast.js';

let discovered = null;

/** All commands by name, asked for once: { name: { summary, params: [{ name, description, required, schema }] } }. */
export async function commands() {
  if (!discovered) {
    discovered = rpc('rpc.discover').then((document) => Object.fromEntries(document.methods.map((one) => [one.name, one])), (error) => { discovered = null; throw error; });
  }
  return discovered;
}

/** What a schema takes, as a kind of field. */
function kindOf(schema) {
  const all = schema.anyOf || [schema];
  if (all.some((one) => one.enum)) return ['choice', all.find((one) => one.enum).enum];
  if (all.some((one) => one.type === 'boolean')) return ['flag'];
  if (all.some((one) => one.type === 'array' || one.type === 'object')) return all.some((one) => one.type === 'object') ? ['json'] : ['list'];
  if (all.every((one) => ['integer', 'number', 'null'].includes(one.type))) return ['number'];
  return ['text'];
}

/** The value of a field for the wire; empty fields are left out. Throws a sentence for JSON that is none. */
function valueOf(parameter, text) {
  const [kind] = kindOf(parameter.schema);
  if (kind === 'flag') return text ? true : undefined;
  if (text === '' || text === undefined) return undefined;
  if (kind === 'number') return Number(text);
  if (kind === 'list') return text.trim().startsWith('[') ? JSON.parse(text) : text.split(/[\s,]+/).filter(Boolean);
  if (kind === 'json' || /^[[{]/.test(text.trim())) {
    try { return JSON.parse(text); } catch (error) { if (kind === 'json') throw new Error(`${parameter.name} is no JSON: ${error.message}.`); }
  }
  return text;
}

function Field({ parameter, value, set }) {
  const [kind, choices] = kindOf(parameter.schema);
  const change = (event) => set(parameter.name, kind === 'flag' ? event.currentTarget.checked : event.currentTarget.value);
  if (kind === 'flag') return html`<label class="field" style="flex-direction:row;align-items:center;gap:8px"><input type="checkbox" checked=${value || false} onChange=${change} /><span>${parameter.name}</span><small>${parameter.description}</small></label>`;
  const input = kind === 'choice' ? html`<select onChange=${change} value=${value || ''}><option value=""></option>${choices.map((one) => html`<option key=${one}>${one}</option>`)}</select>`
    : kind === 'json' ? html`<textarea rows="3" class="mono" value=${value || ''} onInput=${change}></textarea>`
    : html`<input type=${kind === 'number' ? 'number' : 'text'} step="any" value=${value ?? ''} onInput=${change} required=${parameter.required} />`;
  return html`<label class="field ${kind === 'json' ? 'wide' : ''}"><span>${parameter.name}${parameter.required ? ' *' : ''}</span>${input}<small>${parameter.description}</small></label>`;
}

/** method: one of commands(). done(answer) after the farm said yes. */
export function Form({ method, preset = {}, label, done, cancel }) {
  const [values, setValues] = useState(preset);
  const [busy, setBusy] = useState(false);
  const set = (name, value) => setValues((old) => ({ ...old, [name]: value }));
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    try {
      const params = {};
      for (const parameter of method.params) {
        const value = valueOf(parameter, values[parameter.name]);
        if (value !== undefined) params[parameter.name] = value;
      }
      done(await rpc(method.name, params), params);
    } catch (error) { complain(error); } finally { setBusy(false); }
  }
  return html`<form onSubmit=${send}><div class="body form">${method.params.map((parameter) => html`<${Field} key=${parameter.name} parameter=${parameter} value=${values[parameter.name]} set=${set} />`)}</div>
    <div class="foot">${cancel && html`<button type="button" class="btn" onClick=${cancel}>Leave it</button>`}<button class="btn primary" disabled=${busy}>${label}</button></div></form>`;
}
