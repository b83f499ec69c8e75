// A week or a month of what was and is due, in the reader's own zone. The farm says when; here moments become days.
import { html, useEffect, useRef, useState } from '../html.js';
import { fills, halted, now, schedules } from '../farm.js';
import { onEvent, rpc } from '../rpc.js';
import { refine, route, to } from '../route.js';
import { Choice } from '../parts/filter.js';
import { look as stateOf } from '../parts/state.js';
import { complain } from '../parts/toast.js';
import { ZONE, dayName, dayNamed, inZone, midnight } from '../parts/time.js';
import { Run, bySchedule as together, nameOf, runsIn, whenRan } from './runs.js';
import { armed, called, doesOf } from './schedules.js';

const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const dayWord = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const long = new Intl.DateTimeFormat(undefined, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
const monthWord = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric' });
const SHOWN = 4; // of a day of a month; the rest is a number
const RAN = ['schedule.fired', 'schedule.ran', 'schedule.failed', 'schedule.missed', 'schedule.busy'];
const BEHIND = 60; // seconds
const clockOf = (at) => hour.format(at * 1000);

/** The days of the week or of the weeks of the month that a day is in, each a Date at its own midnight; weeks begin on Monday. */
export function daysOf(day, week) {
  const first = week ? day : new Date(day.getFullYear(), day.getMonth(), 1);
  const start = midnight(first, -((first.getDay() + 6) % 7));
  if (week) return Array.from({ length: 7 }, (_, at) => midnight(start, at));
  const last = new Date(day.getFullYear(), day.getMonth() + 1, 0);
  const weeks = Math.ceil(((first.getDay() + 6) % 7 + last.getDate()) / 7);
  return Array.from({ length: weeks * 7 }, (_, at) => midnight(start, at));
}

/** What of schedules says when they are due: that one has run again changes nothing of it. */
const plansOf = (rows) => rows.map((row) => [row.id, row.kind, row.expr, row.tz, row.seconds, row.offset, row.timestamp, Boolean(armed(row)), row.kind === 'calendar' && row.params.workers].join(' ')).sort().join('\n');

/** What the farm says was and is due between two moments, asked for anew when plans change or something ran: a second later, for the gateway's answer may be half a second old. */
function useAgenda(from, until, each) {
  const [found, setFound] = useState(null);
  const due = useRef(0);
  const plans = plansOf(schedules.all);
  const known = useRef(plans);
  const again = useRef(0);
  // What has run since needs hardly any plans: a question about what is over. Our time is behind the farm's by what its word took to come here.
  const look = () => rpc('schedule.agenda', { from, until: Math.min(until, now() + BEHIND), tz: ZONE, each, limit: 1000 }).then((said) => setFound((was) => was && was.asked === from && { ...was, past: said.past, past_cut: said.past_cut }), () => {});
  const soon = () => { if (!due.current) due.current = setTimeout(() => { due.current = 0; ask(); }, 1000); };
  const ask = () => rpc('schedule.agenda', { from, until, tz: ZONE, each, limit: 1000 }).then((said) => setFound({ ...said, asked: from }), complain);
  useEffect(() => {
    clearTimeout(due.current);
    due.current = 0;
    ask();
    return () => clearTimeout(due.current);
  }, [from, until, each, fills.value]);
  useEffect(() => {
    if (known.current === plans) return;
    known.current = plans;
    soon();
  }, [plans]);
  useEffect(() => {
    const stop = onEvent((topic) => {
      if (RAN.includes(topic) && !again.current && from < now() && now() < until) again.current = setTimeout(() => { again.current = 0; look(); }, 1000);
    });
    return () => { stop(); clearTimeout(again.current); again.current = 0; };
  }, [from, until, each]);
  return found && found.asked === from ? { ...found, occurrences: found.occurrences.filter((one) => one.at > now()) } : null;
}

/** In which hours of a day machines may be used, as a strip of that day: its length is the day's own. */
function Bands({ agenda, from, until }) {
  const shown = agenda.calendars.slice(0, 3);
  return html`${shown.map((one) => {
    const spans = one.spans.filter(([begin, end]) => begin < until && end > from).map(([begin, end]) => [Math.max(begin, from), Math.min(end, until)]);
    const who = one.ids.map((id) => schedules.get(id)).filter(Boolean).map(doesOf).join('; ');
    const words = `${who}: ${spans.length ? spans.map(([begin, end]) => `${clockOf(begin)} to ${end === until ? '24:00' : clockOf(end)}`).join(', ') : 'not this day'}`;
    return html`<span class="band" key=${one.ids[0]} role="img" aria-label=${words} title=${words}>${spans.map(([begin, end]) => html`<i style="left:${(100 * (begin - from)) / (until - from)}%;width:${(100 * (end - begin)) / (until - from)}%"></i>`)}</span>`;
  })}`;
}

/** What is due in a day, each schedule once, with all its moments: [[row, [due…]]…] by the first of them, those all day long last. */
function bySchedule(due) {
  const found = new Map();
  for (const one of due) { if (!found.has(one.id)) found.set(one.id, []); found.get(one.id).push(one); }
  const rare = ([, all]) => !all[all.length - 1].again;
  return [...found].map(([id, all]) => [schedules.get(id) || { id, name: all[0].name }, all]).sort((a, b) => rare(b) - rare(a));
}

const often = (all) => (all.length > 1 || all[0].again ? ` ×${all.length}${all[all.length - 1].again ? '+' : ''}` : '');

function Day({ day, agenda, rows, month, week, chosen }) {
  const [from, until] = [day / 1000, midnight(day, 1) / 1000];
  const name = dayName(day);
  const today = name === dayName(new Date(now() * 1000));
  const due = agenda ? bySchedule(agenda.occurrences.filter((one) => one.at >= from && one.at < until && rows.has(one.id))) : [];
  const ran = agenda ? together(runsIn(agenda.past, rows, from, until).filter((run) => (schedules.get(run.schedule) || {}).kind !== 'calendar')) : [];
  const past = week ? ran : ran.slice(0, SHOWN);
  const shown = week ? due : due.slice(0, Math.max(0, SHOWN - past.length));
  const many = due.length + ran.length;
  const left = many - past.length - shown.length;
  return html`<button class="day ${today ? 'today' : ''} ${month !== undefined && day.getMonth() !== month ? 'other' : ''}" aria-pressed=${chosen === name} aria-label="${long.format(day)}${today ? ', today' : ''}: ${due.length} due${ran.length ? `, ${ran.length} ran` : ''}" onClick=${() => refine({ day: chosen === name ? '' : name })}>
    <span class="date"><b>${day.getDate()}</b><span class="faint dow">${dayWord.format(day)}</span>${many > 0 && html`<span class="many" aria-hidden="true">${many}</span>`}</span>
    ${agenda && html`<${Bands} agenda=${agenda} from=${from} until=${until} />`}
    ${past.map(([run, number]) => { const [token, letter] = stateOf(run.outcome); return html`<span class="chip ran s-${token}" key=${`r${run.schedule}`} title=${run.outcome}><i aria-hidden="true">${letter}</i> <span class="faint">${clockOf(whenRan(run))}</span> ${nameOf(run)}${number > 1 ? ` ×${number}` : ''}</span>`; })}
    ${shown.map(([row, all]) => html`<span class="chip due" key=${row.id}><span class="faint">${clockOf(all[0].at)}</span> ${called(row)}${often(all)}</span>`)}
    ${left > 0 && html`<span class="chip faint">${left} more</span>`}</button>`;
}

/** One day as a list, with all that is due in it. */
function List({ day, rows }) {
  const [from, until] = [day / 1000, midnight(day, 1) / 1000];
  const agenda = useAgenda(from, until, 200);
  if (!agenda) return null;
  const ran = runsIn(agenda.past, rows, from, until);
  const due = agenda.occurrences.filter((one) => rows.has(one.id));
  return html`<section class="panel" style="margin-top:16px"><header><h2 class="grow">${long.format(day)}</h2><span class="faint">${ZONE}</span><button class="btn quiet small" aria-label="Close" onClick=${() => refine({ day: '' })}>×</button></header>
    ${agenda.calendars.map((one) => html`<p class="dim" key=${one.ids[0]}>${one.ids.map((id) => schedules.get(id)).filter(Boolean).map(doesOf).join('; ')}: ${one.spans.length ? one.spans.map(([begin, end]) => `${clockOf(begin)} to ${end === until ? '24:00' : clockOf(end)}`).join(', ') : 'not this day'}</p>`)}
    <ul class="why">${ran.map((run) => html`<${Run} key=${`r${run.run}`} run=${run} named />`)}
      ${due.map((one) => { const row = schedules.get(one.id); return html`<li key=${`${one.id}.${one.at}`}><span class="faint">${clockOf(one.at)}</span> <a href=${to('schedules', one.id)}>${row ? called(row) : one.name}</a> <span class="dim">${row && row.name ? doesOf(row) : ''}</span> <span class="faint">${row ? inZone(one.at, row.tz) : ''}</span>${one.again && html` <span class="faint">and more often that day</span>`}</li>`; })}
      ${!due.length && !ran.length && html`<li class="dim">${halted.value ? 'All schedules stand still: nothing is due.' : 'Nothing is due.'}</li>`}</ul></section>`;
}

export function Calendar({ rows: fit }) {
  const rows = new Map(fit.map((row) => [row.id, row]));
  const { query } = route.value;
  const week = query.span === 'week';
  const today = midnight(new Date(now() * 1000));
  const day = dayNamed(query.at) || today;
  const days = daysOf(day, week);
  const agenda = useAgenda(days[0] / 1000, midnight(days[days.length - 1], 1) / 1000, 4);
  const step = (way) => refine({ at: dayName(week ? midnight(day, 7 * way) : new Date(day.getFullYear(), day.getMonth() + way, 1)), day: '' });
  const title = week ? `${long.format(days[0])} and six days` : monthWord.format(day);
  const chosen = dayNamed(query.day);
  return html`<div class="tools" style="margin-bottom:12px"><h2 class="grow">${title} <span class="faint">${ZONE}</span></h2>
      <button class="btn" aria-label=${week ? 'The week before' : 'The month before'} onClick=${() => step(-1)}>‹</button><button class="btn" onClick=${() => refine({ at: '', day: '' })}>Today</button><button class="btn" aria-label=${week ? 'The next week' : 'The next month'} onClick=${() => step(1)}>›</button>
      <${Choice} name="span" label="How much" choices=${[['', 'Month'], ['week', 'Week']]} /></div>
    <div class="month ${week ? 'week' : ''}" role="group" aria-label=${title} aria-busy=${!agenda}>${days.map((one) => html`<${Day} key=${one.getTime()} day=${one} agenda=${agenda} rows=${rows} month=${week ? undefined : day.getMonth()} week=${week} chosen=${query.day} />`)}</div>
    ${agenda && agenda.cut && html`<p class="note">More is due than is shown, from ${long.format(agenda.cut * 1000)}, ${clockOf(agenda.cut)} on: look at a week, or a day.</p>`}
    ${agenda && agenda.past_cut && html`<p class="note">More has run than is shown, before ${long.format(agenda.past_cut * 1000)}, ${clockOf(agenda.past_cut)}: look at a week, or a day.</p>`}
    ${agenda && agenda.left > 0 && html`<p class="note">${agenda.left} schedules are not shown: too many at once.</p>`}
    ${chosen && html`<${List} key=${query.day} day=${chosen} rows=${rows} />`}`;
}
