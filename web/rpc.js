// The one WebSocket to the gateway: questions and answers, events, and coming back after it broke.
// It must not know the farm: events go to whoever listens.
import { signal } from './html.js';

/** 'connecting' | 'live' | 'master-away' | 'offline' */
export const link = signal('connecting');
/** Whether the gateway serves another page by now than the one that is open here. */
export const newer = signal(false);
let page = ''; // which one it served when this one was opened
const listeners = new Set();
const waiting = new Map();
let socket = null;
const FIRST_NUMBER = 100; // below it are those of early.js
let number = FIRST_NUMBER;
let asked = new Map(); // what early.js has asked: method -> id
const answered = new Map(); // and what came of it before anybody wanted it
let tries = 0;
let greeting = async () => {};
const CAREFUL = 30000; // ms an answer may take; logs and waits say so themselves

/** What the master refused: its sentence, the next step, its code. */
export class Refused extends Error {
  constructor(error) {
    super(error.message || 'The farm refused.');
    this.code = error.code;
    this.hint = (error.data && error.data.hint) || '';
  }
}

/** Ask the farm; resolves with its data, rejects with Refused. `patience` 0 waits for ever. */
export function rpc(method, params = {}, patience = CAREFUL) {
  return new Promise((resolve, reject) => {
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      reject(new Refused({ message: 'The page is not connected to the farm.', data: { hint: 'It tries again by itself; nothing was sent.' } }));
      return;
    }
    const before = asked.get(method);
    asked.delete(method);
    const id = before || ++number;
    const timer = patience ? setTimeout(() => {
      waiting.delete(id);
      reject(new Refused({ message: `${method} was not answered within ${patience / 1000} s.`, data: { hint: 'Look at the row before you repeat it.' } }));
    }, patience) : 0;
    waiting.set(id, { resolve, reject, timer });
    if (answered.has(id)) hear(answered.get(id));
    else if (!before) socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });
}

/** Call `heard(topic, data, seq)` for every event; returns how to stop. */
export function onEvent(heard) {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

/** Connect, and again whenever it broke; `greet` runs each time before the link counts as live. */
export function connect(greet) {
  greeting = greet;
  dial();
  addEventListener('online', () => { if (!socket) { tries = 0; dial(); } });
}

/** The connection that early.js has begun, once; what it heard is heard now. */
function begun() {
  const early = globalThis.brenderEarly;
  if (!early || early.socket.readyState > WebSocket.OPEN) return null;
  globalThis.brenderEarly = null;
  asked = early.asked;
  return early;
}

function dial() {
  const place = new URL('ws', document.baseURI);
  place.protocol = place.protocol.replace('http', 'ws');
  place.hash = '';
  const early = begun();
  const made = socket = early ? early.socket : new WebSocket(place);
  const open = made.onopen;
  made.onopen = (event) => { if (open) open(event); greet(made); };
  made.onmessage = (message) => hear(JSON.parse(message.data));
  made.onclose = () => { if (made === socket) broken(); };
  if (early) for (const text of early.heard) hear(JSON.parse(text));
  if (made.readyState === WebSocket.OPEN) greet(made);
}

/** Until the link is live. What goes wrong is tried on a new connection, unless it is the master that is away: of it we are told. */
async function greet(made) {
  try {
    await greeting();
    if (made !== socket) return;
    tries = 0;
    link.value = 'live';
  } catch (error) {
    asked.clear();
    answered.clear();
    if (link.value !== 'master-away') made.close();
  }
}

function hear(message) {
  for (const one of Array.isArray(message) ? message : [message]) {
    if (one.method === 'event') {
      for (const heard of listeners) heard(one.params.topic, one.params.data, one.params.seq);
    } else if (one.method === 'gateway.state') {
      page = page || one.params.page;
      newer.value = page !== one.params.page;
      if (!one.params.master) link.value = 'master-away';
      else if (link.value === 'master-away') { link.value = 'connecting'; greet(socket); }
    } else if (waiting.has(one.id)) {
      const { resolve, reject, timer } = waiting.get(one.id);
      waiting.delete(one.id);
      answered.delete(one.id);
      clearTimeout(timer);
      if (one.error) reject(new Refused(one.error));
      else resolve(one.result);
    } else if (one.id < FIRST_NUMBER) answered.set(one.id, one);
  }
}

function broken() {
  socket = null;
  link.value = 'offline';
  asked.clear();
  answered.clear();
  for (const { reject, timer } of waiting.values()) {
    clearTimeout(timer);
    reject(new Refused({ message: 'The connection broke before the answer came.', data: { hint: 'Look at the row before you repeat it.' } }));
  }
  waiting.clear();
  tries += 1;
  setTimeout(dial, Math.random() * Math.min(15000, 400 * 2 ** Math.min(tries, 6)));
}
