// A table that draws only the rows one sees, whatever their number: sorting, selecting, keyboard.
// It must not know nouns: columns say what a cell shows.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../html.js';
import { Actions } from './actions.js';

const ROW = 36;
const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a ?? '').localeCompare(String(b ?? ''), undefined, { numeric: true }));

/** Whether the window is at most so many pixels wide; follows it. */
export function useAtMost(pixels) {
  const query = useMemo(() => matchMedia(`(max-width: ${pixels}px)`), []);
  const [is, set] = useState(query.matches);
  useEffect(() => {
    const heard = () => set(query.matches);
    query.addEventListener('change', heard);
    return () => query.removeEventListener('change', heard);
  }, []);
  return is;
}

/**
 * columns: [{ key, label, width (CSS grid track), cell(row), value(row) for sorting, sorted() called while it is sorted by and answers how to stop, narrow: false to hide where there is little room and 'snug' where there is some, phone: false on phones or there another width with its heading unseen, num }]
 * open(row): Enter or a click. only: methods offered for selected rows; also(rows): what else is.
 */
export function Table({ rows, columns, open, label, sort: first, only, also, select = true, empty }) {
  const phone = useAtMost(640);
  const narrow = useAtMost(1000);
  const snug = useAtMost(1400);
  const shown = columns.filter((column) => !(narrow && column.narrow === false) && !(snug && column.narrow === 'snug') && !(phone && column.phone === false));
  const [sort, setSort] = useState(first || null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [cursor, setCursor] = useState(-1);
  const [picked, setPicked] = useState(new Set());
  const anchor = useRef(null); // the row from which Shift takes several
  const box = useRef(null);
  const body = useRef(null);
  const picks = select && !phone;
  const sorted = useMemo(() => {
    if (!sort) return rows;
    const column = columns.find((one) => one.key === sort.key);
    const value = column.value || ((row) => row[column.key]);
    return [...rows].sort((a, b) => sort.way * compare(value(a), value(b)) || compare(a.id, b.id));
  }, [rows, sort]);

  useEffect(() => {
    const column = sort && columns.find((one) => one.key === sort.key);
    return column && column.sorted ? column.sorted() : undefined;
  }, [sort && sort.key]);
  useLayoutEffect(() => {
    if (!box.current) return undefined;
    const seen = new ResizeObserver(() => setView((old) => ({ ...old, height: box.current ? box.current.clientHeight : old.height })));
    seen.observe(box.current);
    return () => seen.disconnect();
  }, [rows.length > 0]);

  const tracks = `${picks ? '16px ' : ''}${shown.map((column) => (phone && column.phone) || column.width || 'minmax(0,1fr)').join(' ')}`;
  const from = Math.max(0, Math.floor(view.top / ROW) - 6);
  const slots = Math.min(sorted.length - from, Math.ceil(view.height / ROW) + 14);
  const chosen = sorted.filter((row) => picked.has(row.id));
  /** Take a row in or out; with `range` all from the last one that was taken, as that one is. */
  function toggle(row, range) {
    const from = range ? sorted.findIndex((one) => one.id === anchor.current) : -1;
    const to = sorted.indexOf(row);
    if (from < 0) anchor.current = row.id;
    setPicked((old) => {
      const made = new Set(old);
      const on = from < 0 ? !old.has(row.id) : old.has(anchor.current);
      for (const one of from < 0 ? [row] : sorted.slice(Math.min(from, to), Math.max(from, to) + 1)) on ? made.add(one.id) : made.delete(one.id);
      return made;
    });
  }

  function key(event) {
    if (event.target.closest('input, button, a')) return;
    const step = { ArrowDown: 1, j: 1, J: 1, ArrowUp: -1, k: -1, K: -1, PageDown: 12, PageUp: -12, Home: -1e9, End: 1e9 }[event.key];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(sorted.length - 1, cursor + step));
      if (event.shiftKey && picks && sorted[cursor]) {
        setPicked((old) => new Set([...old, ...sorted.slice(Math.min(cursor, next), Math.max(cursor, next) + 1).map((row) => row.id)]));
        anchor.current = sorted[next].id;
      }
      setCursor(next);
      const top = next * ROW;
      if (top < box.current.scrollTop) box.current.scrollTop = top;
      else if (top + ROW * 2 > box.current.scrollTop + box.current.clientHeight) box.current.scrollTop = top + ROW * 2 - box.current.clientHeight;
      event.preventDefault();
    } else if (event.key === 'Enter' && sorted[cursor] && open) { open(sorted[cursor]); } else if ((event.key === 'x' || event.key === 'X' || event.key === ' ') && picks && sorted[cursor]) { toggle(sorted[cursor], event.shiftKey); event.preventDefault(); } else if (event.key === 'Escape') { setPicked(new Set()); }
  }

  const heads = shown.map((column) => {
    const on = sort && sort.key === column.key;
    if (phone && column.phone) return html`<span role="columnheader"><span class="sr">${column.label}</span></span>`;
    if (column.sort === false) return html`<span class="th ${column.num ? 'num' : ''}" role="columnheader">${column.label}</span>`;
    return html`<span role="columnheader" class=${column.num ? 'num' : ''} aria-sort=${on ? (sort.way > 0 ? 'ascending' : 'descending') : 'none'}><button class="th" style=${column.num ? 'margin-left:auto' : ''}
      onClick=${() => setSort(on ? (sort.way > 0 ? { key: column.key, way: -1 } : first || null) : { key: column.key, way: 1 })}>${column.label}${on ? (sort.way > 0 ? ' ↑' : ' ↓') : ''}</button></span>`;
  });
  const lines = [];
  for (let at = 0; at < slots; at += 1) {
    const row = sorted[from + at];
    const place = from + at;
    lines.push(html`<div class="tr ${place === cursor ? 'cursor' : ''}" role="row" key=${place % (slots || 1)} aria-rowindex=${place + 2} aria-selected=${picks ? picked.has(row.id) : undefined}
      style="top:${place * ROW}px;grid-template-columns:${tracks}" onClick=${(event) => { if (event.target.closest('button, a, input')) return; setCursor(place); open && open(row); }}>
      ${picks && html`<span role="cell"><input type="checkbox" aria-label="Select ${row.name || row.id}" checked=${picked.has(row.id)} onClick=${(event) => toggle(row, event.shiftKey)} /></span>`}
      ${shown.map((column) => html`<div role="cell" class="ell ${column.num ? 'num' : ''}">${column.cell ? column.cell(row) : row[column.key]}</div>`)}
    </div>`);
  }
  if (!rows.length && empty) return empty;
  return html`<div class="table">
    ${chosen.length > 0 && html`<div class="selbar"><b>${chosen.length} selected</b>${also && also(chosen)}<${Actions} rows=${chosen} only=${only} small /><button class="btn quiet small" onClick=${() => setPicked(new Set())}>Clear</button></div>`}
    <div class="scroll" tabindex="0" role="table" aria-label=${label} aria-rowcount=${sorted.length + 1} ref=${box} onKeyDown=${key} onScroll=${(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}>
      <div class="thead" role="row" aria-rowindex="1" style="grid-template-columns:${tracks}">
        ${picks && html`<span role="columnheader"><input type="checkbox" aria-label="Select all" checked=${chosen.length > 0 && chosen.length === sorted.length} onChange=${() => setPicked(chosen.length === sorted.length ? new Set() : new Set(sorted.map((row) => row.id)))} /></span>`}
        ${heads}
      </div>
      <div role="rowgroup" ref=${body} style="position:relative;height:${sorted.length * ROW}px">${lines}</div>
    </div>
  </div>`;
}
