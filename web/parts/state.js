// How states look: a colour and a letter for each, so that nobody depends on colour. One table for the whole page.
import { html } from '../html.js';

const LOOKS = {
  'not run': ['new', '·'], new: ['new', '·'], rerun: ['rerun', '↻'], running: ['running', '▸'], waiting: ['waiting', 'w'],
  stopping: ['waiting', '◦'], success: ['success', '✓'], error: ['error', '!'], terminated: ['error', 't'], killed: ['error', 'k'],
  immortal: ['error', '∞'], stopped: ['stopped', '■'], paused: ['rerun', '‖'],
  online: ['success', '✓'], lost: ['error', '?'], offline: ['off', '–'], enabled: ['success', '✓'], disabled: ['off', '–'],
  idle: ['success', '·'], busy: ['running', '▸'], starting: ['running', '◦'], draining: ['rerun', '↓'],
  logging: ['success', '✓'], stale: ['rerun', '?'], assigned: ['new', '·'],
  ok: ['success', '✓'], pending: ['rerun', '◦'], firing: ['error', '!'], acknowledged: ['waiting', 'a'], resolved: ['success', '✓'], skipped: ['stopped', '■'],
  armed: ['running', '◦'], done: ['success', '✓'], missed: ['error', '?'], overlapped: ['rerun', '‖'], unknown: ['off', '?'], removed: ['off', '–'],
  muted: ['off', 'z'], taken: ['waiting', 'a'], DEBUG: ['off', 'd'], INFO: ['running', 'i'], WARNING: ['rerun', '!'], ERROR: ['error', '!'], ALERT: ['error', '‼'],
  queued: ['new', '·'], retrying: ['rerun', '↻'], sent: ['success', '✓'], failed: ['error', '!'],
};

/** [token, letter] of a label such as success0, error13 or immortal(42). */
export const look = (label) => LOOKS[String(label).replace(/[\d(-].*$/, '')] || ['new', '·'];

export function State({ is, title }) {
  const [token, letter] = look(is);
  return html`<span class="state s-${token}" title=${title || ''}><i aria-hidden="true">${letter}</i>${is}</span>`;
}

/** A worker's one word: what it does if it can, else why it cannot. */
export function ofWorker(row) {
  if (row.presence !== 'online') return row.presence;
  if (row.admin_state === 'disabled') return row.used ? 'draining' : 'disabled';
  return row.used ? 'busy' : 'idle';
}

export const ofJob = (row) => (row.paused && row.desired === 'run' ? 'paused' : row.state);
