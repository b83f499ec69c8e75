// The farm as this page knows it: rows by id, kept current by events. It mirrors and decides nothing.
import { batch, signal } from './html.js';

const dirty = new Set();
let planned = false;

/** Tell views once a frame, however many events came; a hidden page is told twice a second. */
function later() {
  if (planned) return;
  planned = true;
  const tell = () => {
    planned = false;
    batch(() => { for (const rows of dirty) rows.version.value += 1; });
    dirty.clear();
  };
  if (document.hidden) setTimeout(tell, 500);
  else requestAnimationFrame(tell);
}

/** Rows of one noun. Reading `all` or `get` in a component makes it follow them. */
export class Rows {
  constructor(noun) {
    this.noun = noun;
    this.map = new Map();
    this.version = signal(0);
  }

  touch() { dirty.add(this); later(); }
  put(row) { this.map.set(row.id, { ...this.map.get(row.id), ...row }); this.touch(); }
  /** What is told of a row that is here; of others it says too little. */
  follow(row) { if (this.map.has(row.id)) this.put(row); }
  drop(id) { if (this.map.delete(id)) this.touch(); }
  fill(rows) { this.map = new Map(rows.map((row) => [row.id ?? row.name, row])); this.touch(); }
  get all() { this.version.value; return [...this.map.values()]; }
  get(id) { this.version.value; return this.map.get(id); }
  get size() { this.version.value; return this.map.size; }
}

export const workers = new Rows('worker');
export const projects = new Rows('project');
export const jobs = new Rows('job');
export const limits = new Rows('limit');
export const presets = new Rows('preset');
export const channels = new Rows('channel');
export const schedules = new Rows('schedule');
export const rules = new Rows('alarm_rule');
export const alarms = new Rows('alarm');
export const deliveries = new Rows('delivery');
const PLURALS = { delivery: 'deliveries' };
/** In this state a row is history: it leaves the farm's memory, and the mirror. */
export const OVER = { alarm: 'resolved', delivery: 'sent' };
export const NOUNS = { worker: workers, project: projects, job: jobs, limit: limits, preset: presets, channel: channels, schedule: schedules, alarm_rule: rules, alarm: alarms, delivery: deliveries };

export const status = signal({});
export const may = signal(new Set()); // commands of this person's role
export const states = signal([]); // label of each task state by number
export const clock = signal(0); // the farm's clock minus ours, ms
export const halted = signal(false); // all schedules stand still
export const totals = signal({}); // how many rows of each noun there are: the mirror is bounded
export const seq = { last: 0, floor: 0 }; // the newest event, and the one that the mirror holds
export const floors = signal({}); // the oldest row of a noun up to which all are held
export const fills = signal(0); // how often everything was taken in; 0 while nothing is known

/** The master's time now, in seconds: clocks of people's machines differ. */
export const now = () => (Date.now() + clock.value) / 1000;

/** Take in what farm.mirror answered. */
export function fill(mirror) {
  clock.value = mirror.now * 1000 - Date.now();
  seq.last = Math.max(seq.last, mirror.seq);
  seq.floor = mirror.seq;
  batch(() => {
    may.value = new Set(mirror.may);
    states.value = mirror.states;
    status.value = mirror.status;
    halted.value = mirror.halted;
    totals.value = mirror.totals;
    floors.value = { job: Math.min(...mirror.jobs.map((row) => row.id)) };
  });
  for (const [noun, rows] of Object.entries(NOUNS)) {
    rows.fill(mirror[PLURALS[noun] || `${noun}s`]);
  }
  fills.value += 1;
}

/** A row came or went, also one that is not held. */
export const count = (noun, many) => { if (noun in totals.value) totals.value = { ...totals.value, [noun]: totals.value[noun] + many }; };

/** An event's row with the names that lists show beside its numbers. */
export function named(noun, row) {
  const project = noun === 'job' && projects.map.get(row.project_id);
  return project ? { ...row, project: project.name } : row;
}
