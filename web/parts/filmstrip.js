// The pictures of a job: one large, those before it as a strip or all as a sheet, and what its steps made of them.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { frameAt } from './frames.js';

const SUCCESS = 7;
const SHOWN = /^image\/(png|jpeg)/;
const MOST = 24e6; // bytes of a frame that is shown as it is
const STRIP = 40;
const SHEET = 600; // pictures of a sheet; browsers load only those that one sees
/** Where a task's picture is; the time it took makes it another one when the task has run again. */
export const picture = (kind, job, step, grid, at) => `${kind}/${job}/${step}/${at}?t=${grid.tenths[at]}`;

/** The frame itself where a browser shows it and it is no bigger than MOST, until then and else its thumbnail. */
function Large({ job, step, grid, at, name, gone }) {
  const whole = picture('frame', job, step, grid, at);
  const [fits, setFits] = useState('');
  useEffect(() => {
    let here = true;
    fetch(whole, { method: 'HEAD' }).then((answer) => { if (here && answer.ok && SHOWN.test(answer.headers.get('Content-Type')) && Number(answer.headers.get('Content-Length')) <= MOST) setFits(whole); }, () => {});
    return () => { here = false; };
  }, [whole]);
  return html`<div class="shot"><img src=${fits === whole ? whole : picture('preview', job, step, grid, at)} alt=${name} onError=${gone} /></div>`;
}

/** The newest picture large, or the chosen one; beside it the ones to choose from. */
export function Pictures({ job, step, grid, pick }) {
  grid.version.value;
  const [chosen, setChosen] = useState(null);
  const [sheet, setSheet] = useState(false);
  const [none, setNone] = useState(new Set());
  const strip = useRef(null);
  const most = sheet ? SHEET : STRIP;
  const done = [];
  for (let at = grid.states.length - 1; at >= 0 && done.length < most; at -= 1) if (grid.states[at] === SUCCESS && !none.has(at)) done.push(at);
  const newest = grid.last >= 0 && !none.has(grid.last) ? grid.last : done[0];
  const shown = chosen !== null && grid.states[chosen] === SUCCESS ? chosen : newest;
  useLayoutEffect(() => { // the frame that was chosen is one of those that are seen
    const one = chosen !== null && strip.current && strip.current.querySelector('[aria-pressed="true"]');
    if (!one) return;
    const [mine, all] = [one.getBoundingClientRect(), strip.current.getBoundingClientRect()];
    strip.current.scrollLeft += Math.min(0, mine.left - all.left) + Math.max(0, mine.right - all.right);
  }, [chosen, sheet]);
  if (shown === undefined) return null;
  const without = (at) => setNone((old) => new Set([...old, at]));
  const step_ = (way) => { const at = done.indexOf(shown) - way; if (done[at] !== undefined) setChosen(done[at]); };
  const key = (event) => { const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key]; if (way) { event.preventDefault(); step_(way); } };
  const name = `Frame ${frameAt(grid, shown)}`;
  return html`<section class="panel pictures"><header><h2 class="grow">${name}</h2>
      <button class="btn small" aria-pressed=${sheet} onClick=${() => setSheet(!sheet)} aria-label="All as a sheet">Sheet</button>
      <button class="btn small" onClick=${() => pick(shown)}>Attempts</button>
      <a class="btn small" href=${picture('frame', job, step, grid, shown)} target="_blank" rel="noopener">Full size</a></header>
    <${Large} job=${job} step=${step} grid=${grid} at=${shown} name=${name} gone=${() => without(shown)} />
    <div class="strip ${sheet ? 'sheet' : ''}" ref=${strip} role="group" aria-label=${sheet ? 'All frames' : 'Newest frames'} onKeyDown=${key}>${(sheet ? done.slice().reverse() : done).map((at) => html`<button key=${at} aria-pressed=${at === shown} aria-label="Frame ${frameAt(grid, at)}" onClick=${() => setChosen(at)}><img loading="lazy" src=${picture('preview', job, step, grid, at)} alt="" onError=${() => without(at)} /><span>${frameAt(grid, at)}</span></button>`)}</div></section>`;
}

/** What steps made of the frames: movies that play here, contact sheets, merged stills. Each step that is done has one. */
const KINDS = { movie: ['movie', 'Movie'], contact_sheet: ['sheet', 'Contact sheet'], merge: ['still', 'Merged still'] };

function One({ job, step }) {
  const [kind, title] = KINDS[step.function];
  const [there, setThere] = useState(true);
  const url = `${kind}/${job}?step=${encodeURIComponent(step.name)}&v=${step.seconds}`;
  useEffect(() => setThere(true), [url]);
  if (!there) return null;
  return html`<section class="panel"><header><h2 class="grow">${title}</h2><a class="btn small" href=${url} target="_blank" rel="noopener">${kind === 'movie' ? 'Alone' : 'Full size'}</a></header><div class="shot">${kind === 'movie'
    ? html`<video key=${url} controls loop muted playsinline src=${url} aria-label="${title} of ${step.name}" onError=${() => setThere(false)}></video>`
    : html`<img key=${url} src=${url} alt="${title} of ${step.name}" onError=${() => setThere(false)} />`}</div></section>`;
}

export const Made = ({ job, steps }) => steps.filter((one) => KINDS[one.function] && one.state === 'success0').map((one) => html`<${One} key=${one.id} job=${job} step=${one} />`);
