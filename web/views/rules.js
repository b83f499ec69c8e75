// The rules of the alarms: what each looks at, how many things that is now, and what has come of it.
import { html, useEffect, useState } from '../html.js';
import { alarms, fills, may, rules } from '../farm.js';
import { rpc } from '../rpc.js';
import { refine, route, to } from '../route.js';
import { Actions } from '../parts/actions.js';
import { askFor } from '../parts/asked.js';
import { matching } from '../parts/filter.js';
import { State } from '../parts/state.js';
import { Table } from '../parts/table.js';
import { complain, say } from '../parts/toast.js';

/** What a rule looks for, in words. */
export function conditionOf(rule) {
  const words = [rule.condition || rule.source];
  if (rule.source === 'channel' && (rule.condition !== 'change' || rule.threshold)) words.push(`${rule.threshold}${rule.condition === 'absent' ? ' s' : ''}`);
  if (rule.lasting) words.push(`for ${rule.lasting} s`);
  if (rule.clear !== null && rule.clear !== undefined) words.push(`until ${rule.clear}`);
  return words.join(' ');
}

async function turn(row) {
  try {
    await rpc('alarm_rule.set', { rule: row.id, values: { enabled: !row.enabled } });
    say(`${row.name} is switched ${row.enabled ? 'off' : 'on'}.`);
  } catch (error) { complain(error); }
}

function Acts({ row }) {
  return html`${(row.can || []).includes('alarm_rule.set') && may.value.has('alarm_rule.set') && html`<button class="btn small" onClick=${() => turn(row)}>${row.enabled ? 'Switch off' : 'Switch on'}</button>`}<${Actions} rows=${[row]} small />`;
}

const COLUMNS = [
  { key: 'name', label: 'Rule', width: 'minmax(80px,1.3fr)', cell: (row) => html`<a href="${to('alarms')}?show=rules&rule=${row.id}">${row.name}</a>` },
  { key: 'level', label: 'Level', width: '104px', narrow: false, cell: (row) => html`<${State} is=${row.level} />` },
  { key: 'when', label: 'When', width: 'minmax(90px,1.3fr)', value: conditionOf, cell: (row) => conditionOf(row) },
  { key: 'selector', label: 'Of', width: 'minmax(60px,1fr)', narrow: false, value: (row) => row.selector.join(' '), cell: (row) => html`<span class="dim">${row.selector.join(' ')}</span>` },
  { key: 'found', label: 'Matches', width: '84px', num: true, value: (row) => row.matches ?? -1, cell: (row) => (!row.enabled ? 'off' : row.matches === 0 && row.selector.join() !== '*' ? html`<b>nothing</b>` : row.matches ?? '…') },
  { key: 'firing', label: 'Alarms', width: '64px', num: true, narrow: false, cell: (row) => row.firing || '' },
  { key: 'do', label: '', width: '248px', narrow: false, sort: false, cell: (row) => html`<span class="acts"><${Acts} row=${row} /></span>` },
];

/** One of them, with all that it says: what a phone has no columns for. */
function Rule({ row }) {
  const facts = [['When', conditionOf(row)], ['Of', row.selector.join(' ')], ['Level', html`<${State} is=${row.level} />`], ['Told by', row.logger], ['Runbook', row.runbook || '–'], ['Matches', row.matches ?? '…'], ['Alarms', row.firing]];
  return html`<section class="panel" style="margin-bottom:16px"><header><h2 class="grow">${row.name}</h2><div class="tools"><${Acts} row=${row} /><button class="btn quiet small" aria-label="Close" onClick=${() => refine({ rule: '' })}>×</button></div></header>
    <dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

export function Rules() {
  const [matches, setMatches] = useState({});
  const all = rules.all;
  const live = alarms.all;
  useEffect(() => {
    let here = true;
    rpc('alarm_rule.list', { limit: 1000 }).then((found) => { if (here) setMatches(Object.fromEntries(found.rules.map((one) => [one.id, one.matches]))); }, () => {});
    return () => { here = false; };
  }, [rules.version.value, fills.value]);
  const rows = matching(all, (row) => `${row.name} ${row.source} ${row.level} ${row.selector.join(' ')}`)
    .map((row) => ({ ...row, matches: matches[row.id], firing: live.filter((one) => one.rule_id === row.id && one.state !== 'pending').length }));
  const idle = rows.filter((row) => row.enabled && row.matches === 0 && row.selector.join() !== '*').map((row) => row.name);
  const chosen = rows.find((row) => String(row.id) === route.value.query.rule);
  const add = () => askFor('alarm_rule.add', { 'values.source': 'channel', 'values.condition': 'above' }, 'Add a rule', { done: (made) => say(`${made.row.name} is there. ${made.matches ? `It looks at ${made.matches}.` : 'Nothing that is there now matches it.'}`) });
  const none = html`<div class="empty"><h2>There is no rule</h2><p>Nobody is told of anything.</p></div>`;
  return html`<div class="tools" style="margin-bottom:12px">${may.value.has('alarm_rule.add') && html`<button class="btn primary" onClick=${add}>Add a rule</button>`}</div>
    ${idle.length > 0 && html`<p class="note">${idle.slice(0, 5).join(', ')} ${idle.length === 1 ? 'matches' : 'match'} nothing that is there now: is the selector right?</p>`}
    ${chosen && html`<${Rule} row=${chosen} />`}
    <${Table} rows=${rows} columns=${COLUMNS} open=${(row) => refine({ rule: row.id })} label="Rules" sort=${{ key: 'name', way: 1 }} select=${false} empty=${none} />`;
}
