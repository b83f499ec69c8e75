// The one WebSocket to the gateway: questions and answers, events, and coming back after it broke.
// It must not know the farm: events go to whoever listens.
import { signal } from './html.js';

/** 'connecting' | 'live' | 'master-away' | 'offline' */
export const link = signal('connecting');
const listeners = new Set();
const waiting = new Map();
let socket = null;
let number = 0;
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
    const id = ++number;
    const timer = patience ? setTimeout(() => {
      waiting.delete(id);
      reject(new Refused({ message: `${method} was not answered within ${patience / 1000} s.`, data: { hint: 'Look at the row before you repeat it.' } }));
    }, patience) : 0;
    waiting.set(id, { resolve, reject, timer });
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
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

function dial() {
  const place = new URL('ws', document.baseURI);
  place.protocol = place.protocol.replace('http', 'ws');
  place.hash = '';
  const made = socket = new WebSocket(place);
  made.onopen = async () => {
    try {
      await greeting();
      tries = 0;
      link.value = 'live';
    } catch (error) {
      if (link.value !== 'master-away') made.close();
    }
  };
  made.onmessage = (message) => hear(JSON.parse(message.data));
  made.onclose = () => { if (made === socket) broken(); };
}

function hear(message) {
  for (const one of Array.isArray(message) ? message : [message]) {
    if (one.method === 'event') {
      for (const heard of listeners) heard(one.params.topic, one.params.data, one.params.seq);
    } else if (one.method === 'gateway.state') {
      if (!one.params.master) link.value = 'master-away';
      else if (link.value === 'master-away') greeting().then(() => { link.value = 'live'; }, () => {});
    } else if (waiting.has(one.id)) {
      const asked = waiting.get(one.id);
      waiting.delete(one.id);
      clearTimeout(asked.timer);
      if (one.error) asked.reject(new Refused(one.error));
      else asked.resolve(one.result);
    }
  }
}

function broken() {
  socket = null;
  link.value = 'offline';
  for (const asked of waiting.values()) {
    clearTimeout(asked.timer);
    asked.reject(new Refused({ message: 'The connection broke before the answer came.', data: { hint: 'Look at the row before you repeat it.' } }));
  }
  waiting.clear();
  tries += 1;
  setTimeout(dial, Math.random() * Math.min(15000, 400 * 2 ** Math.min(tries, 6)));
}
