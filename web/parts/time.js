// Seconds as people say them. Times are the farm's, shown in the reader's own zone.
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const exactFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** 4.2 s, 12 min, 3 h 10 min, 2 d 4 h */
export function span(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return '–';
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 36) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const clockOf = (at) => (at ? clockFormat.format(at * 1000) : '–');
export const dayOf = (at) => (at ? dayFormat.format(at * 1000) : '–');
export const secondOf = (at) => exactFormat.format(at * 1000);
export const count = (number) => Number(number || 0).toLocaleString();

/** The reader's own zone by name, for the farm's questions about days. */
export const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** A moment on the clock of another zone, with its name; empty where that clock shows what the reader's does. */
export function inZone(at, zone) {
  if (!at || !zone) return '';
  try {
    const there = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at * 1000);
    return there === dayFormat.format(at * 1000) ? '' : `${there} ${zone}`;
  } catch { return ''; } // a zone that this browser does not know
}

/** 90 s, 5 min, 1 h: in the largest unit that it is a whole number of. */
export function period(seconds) {
  for (const [unit, size] of [['w', 604800], ['d', 86400], ['h', 3600], ['min', 60]]) if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return `${seconds} s`;
}

/** Midnight that begins the day of a moment or a date, so many days later: a day may have 23 hours, or 25. */
export const midnight = (date, later = 0) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + later);

/** 2026-11-26, the reader's day, and back. */
export const dayName = (date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
export function dayNamed(text) {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text || '');
  return found ? new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3])) : null;
}
