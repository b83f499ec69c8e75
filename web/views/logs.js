// What a task has printed: a million lines as a list that draws what one sees, live, searched, errors marked.
import { html, useEffect, useRef, useState } from '../html.js';
import { onEvent, rpc } from '../rpc.js';

const LINE = 18;
const MOST = 1000000;
const CONTROL = /[\x00-\x08\x0b-\x1f]/g; // shown as the pictures that Unicode has for them
const BAD = /\b(error|exception|traceback|fatal|failed|cannot|segfault|out of memory)\b/i;

export function Log({ step, task }) {
  const lines = useRef([]);
  const rest = useRef('');
  const box = useRef(null);
  const tied = useRef(true); // to the end: new lines scroll it
  const [view, setView] = useState({ top: 0, height: 480, many: 0 });
  const [about, setAbout] = useState('');
  const [search, setSearch] = useState('');
  const [hit, setHit] = useState(-1);

  function add(raw) {
    const text = raw.replace(/\r\n/g, '\n').replace(CONTROL, (one) => String.fromCharCode(0x2400 + one.charCodeAt(0)));
    const parts = (rest.current + text).split('\n');
    rest.current = parts.pop();
    for (const one of parts) lines.current.push(one);
    if (lines.current.length > MOST) lines.current.splice(0, lines.current.length - MOST);
    setView((old) => ({ ...old, many: lines.current.length + (rest.current ? 1 : 0) }));
  }

  useEffect(() => {
    let here = true;
    lines.current = [];
    rest.current = '';
    const stop = onEvent((topic, data) => { if (topic === 'task.log' && typeof data.text === 'string') add(data.text); });
    rpc('task.log', { step, task, start: 0, follow: true }, 0).then((found) => {
      if (!here) return;
      if (found.text) add(found.text);
      setAbout(found.worker ? `attempt ${found.attempt} on ${found.worker}` : '');
    }, (error) => { if (here) setAbout(`${error.message} ${error.hint}`); });
    return () => { here = false; stop(); rpc('farm.unsubscribe', { topics: ['task.log'] }).catch(() => {}); };
  }, [step, task]);
  useEffect(() => { if (tied.current && box.current) box.current.scrollTop = box.current.scrollHeight; }, [view.many]);

  function find(way) {
    if (!search) return;
    const wanted = search.toLowerCase();
    const all = lines.current;
    for (let step_ = 1; step_ <= all.length; step_ += 1) {
      const at = (hit + way * step_ + all.length * 2) % all.length;
      if (all[at].toLowerCase().includes(wanted)) {
        setHit(at);
        tied.current = false;
        box.current.scrollTop = Math.max(0, at * LINE - view.height / 2);
        return;
      }
    }
  }
  const from = Math.max(0, Math.floor(view.top / LINE) - 10);
  const until = Math.min(view.many, from + Math.ceil(view.height / LINE) + 20);
  const shown = [];
  for (let at = from; at < until; at += 1) {
    const text = lines.current[at] ?? rest.current;
    shown.push(html`<div class="ln ${at === hit ? 'hit' : BAD.test(text) ? 'bad' : ''}" key=${at} style="top:${at * LINE}px">${text}</div>`);
  }
  return html`<div style="margin-top:12px"><div class="tools" style="margin-bottom:8px"><span class="dim grow">${about} ${view.many ? `${view.many.toLocaleString()} lines` : ''}</span>
      <label><span class="sr">Search the log</span><input type="search" placeholder="Search the log" value=${search} onInput=${(event) => setSearch(event.currentTarget.value)} onKeyDown=${(event) => { if (event.key === 'Enter') find(event.shiftKey ? -1 : 1); }} /></label></div>
    <div class="log" tabindex="0" role="log" aria-label="Log" ref=${box} onScroll=${(event) => { const one = event.currentTarget; tied.current = one.scrollTop + one.clientHeight > one.scrollHeight - 30; setView((old) => ({ ...old, top: one.scrollTop, height: one.clientHeight })); }}><div style="position:relative;height:${Math.max(1, view.many) * LINE}px">${shown}</div></div></div>`;
}
