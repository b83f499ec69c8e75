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

/** The fields of a method: attributes of a noun, which travel as one object, have one each. */
function fieldsOf(method, fixed) {
  return method.params.filter((one) => !(one.name in fixed)).flatMap((one) => {
    const attributes = one['x-word'] && one['x-word'].attributes;
    if (!attributes) return [{ ...one, key: one.name }];
    return attributes.map(({ name, about, choices }) => ({ name, description: about, required: false, schema: choices.length ? { enum: choices } : { type: 'string' }, within: one.name, key: `${one.name}.${name}` }));
  });
}

/** What a parameter takes, as a kind of field. A command in a command is one text: its words are the farm's to read. */
function kindOf(parameter) {
  const { schema } = parameter;
  if (parameter['x-word'] && parameter['x-word'].rest) return ['text'];
  const all = schema.anyOf || [schema];
  if (all.some((one) => one.enum)) return ['choice', all.find((one) => one.enum).enum];
  if (all.some((one) => one.type === 'boolean')) return ['flag'];
  if (all.some((one) => one.type === 'array' || one.type === 'object')) return all.some((one) => one.type === 'object') ? ['json'] : ['list'];
  if (all.every((one) => ['integer', 'number', 'null'].includes(one.type))) return ['number'];
  return ['text'];
}

/** The value of a field for the wire; empty fields are left out. Throws a sentence for JSON that is none. */
function valueOf(parameter, text) {
  const [kind] = kindOf(parameter);
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
  const [kind, choices] = kindOf(parameter);
  const change = (event) => set(parameter.key, kind === 'flag' ? event.currentTarget.checked : event.currentTarget.value);
  if (kind === 'flag') return html`<label class="field" style="flex-direction:row;align-items:center;gap:8px"><input type="checkbox" checked=${value || false} onChange=${change} /><span>${parameter.name}</span><small>${parameter.description}</small></label>`;
  const input = kind === 'choice' ? html`<select onChange=${change} value=${value || ''}><option value=""></option>${choices.map((one) => html`<option key=${one}>${one}</option>`)}</select>`
    : kind === 'json' ? html`<textarea rows="3" class="mono" value=${value || ''} onInput=${change}></textarea>`
    : html`<input type=${kind === 'number' ? 'number' : 'text'} step="any" value=${value ?? ''} onInput=${change} required=${parameter.required} />`;
  return html`<label class="field ${kind === 'json' ? 'wide' : ''}"><span>${parameter.name}${parameter.required ? ' *' : ''}</span>${input}<small>${parameter.description}</small></label>`;
}

/** method: one of commands(). preset: values of fields. fixed: params that are sent and not shown. done(answer) after the farm said yes. */
export function Form({ method, preset = {}, fixed = {}, label, done, cancel }) {
  const [values, setValues] = useState(preset);
  const [busy, setBusy] = useState(false);
  const fields = fieldsOf(method, fixed);
  const set = (name, value) => setValues((old) => ({ ...old, [name]: value }));
  async function send(event) {
    event.preventDefault();
    setBusy(true);
    try {
      const params = { ...fixed };
      for (const field of fields) {
        const value = valueOf(field, values[field.key]);
        if (value !== undefined && field.within) params[field.within] = { ...params[field.within], [field.name]: value };
        else if (value !== undefined) params[field.name] = value;
      }
      done(await rpc(method.name, params), params);
    } catch (error) { complain(error); } finally { setBusy(false); }
  }
  return html`<form onSubmit=${send}><div class="body form">${fields.map((field) => html`<${Field} key=${field.key} parameter=${field} value=${values[field.key]} set=${set} />`)}</div>
    <div class="foot">${cancel && html`<button type="button" class="btn" onClick=${cancel}>Leave it</button>`}<button class="btn primary" disabled=${busy}>${label}</button></div></form>`;
}
