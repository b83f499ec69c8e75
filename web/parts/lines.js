// The lines of a long text, as few bytes as the text itself: pieces as they came, where each line begins, which are bad.
// A million lines are 64 MB at the most; older ones make room. It must not know the page, nor whose text it is.

const MOST = 64 * 1024 * 1024; // characters that are kept
const PIECE = 256 * 1024; // characters up to which small pieces become one
const BAD = /(?<!\b(?:0|no) )\b(?:errors?|exception|traceback|fatal|failed|failure|cannot|segfault|out of memory)\b/gi;
const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The place in a sorted list of numbers of the last one that is not greater; -1 before the first. */
function under(list, number, of = (one) => one) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(list[middle]) <= number) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class Lines {
  constructor(most = MOST) {
    this.most = most;
    this.pieces = []; // { first: number of its first line, text, starts: where its lines begin in it }
    this.begin = 0; // the first line that is kept
    this.whole = 0; // lines that have an end, also those that are gone
    this.size = 0;
    this.rest = ''; // a line that has no end yet
    this.bad = []; // numbers of lines that tell of trouble, in order
  }

  /** Lines that came, also those that are gone, also one without an end. */
  get count() { return this.whole + (this.rest ? 1 : 0); }

  add(text) {
    const end = text.lastIndexOf('\n') + 1;
    if (!end) { this.rest += text; return; }
    this.#take(this.rest + text.slice(0, end));
    this.rest = text.slice(end);
  }

  #take(text) {
    const starts = [];
    for (let at = 0; at < text.length; at = text.indexOf('\n', at) + 1) starts.push(at);
    this.#mark(text, starts, this.whole);
    const last = this.pieces[this.pieces.length - 1];
    if (last && last.text.length + text.length <= PIECE) {
      for (const at of starts) last.starts.push(at + last.text.length);
      last.text += text;
    } else this.pieces.push({ first: this.whole, text, starts });
    this.whole += starts.length;
    this.size += text.length;
    while (this.size > this.most && this.pieces.length > 1) {
      const gone = this.pieces.shift();
      this.size -= gone.text.length;
      this.begin = this.pieces[0].first;
      this.bad = this.bad.slice(under(this.bad, this.begin - 1) + 1);
    }
  }

  #mark(text, starts, first) {
    BAD.lastIndex = 0;
    while (BAD.exec(text)) {
      const line = under(starts, BAD.lastIndex - 1);
      this.bad.push(first + line);
      BAD.lastIndex = line + 1 < starts.length ? starts[line + 1] : text.length;
    }
  }

  at(line) {
    if (line >= this.whole) return this.rest;
    const piece = this.pieces[under(this.pieces, line, (one) => one.first)];
    if (!piece) return '';
    const from = piece.starts[line - piece.first];
    const until = piece.starts[line - piece.first + 1] ?? piece.text.length;
    return piece.text.slice(from, until - 1);
  }

  isBad(line) { const at = under(this.bad, line); return at >= 0 && this.bad[at] === line; }

  /** The next bad line after this one, or before it where `way` is -1; round the end. -1 without any. */
  nextBad(line, way) {
    if (!this.bad.length) return -1;
    const at = way > 0 ? under(this.bad, line) + 1 : under(this.bad, line - 1);
    return this.bad[(at + this.bad.length) % this.bad.length];
  }

  /** The next line that has the words after this one, or before it; capitals or not, round the end. -1 without any. */
  find(words, line, way) {
    const many = this.pieces.length;
    if (!words) return -1;
    const wanted = new RegExp(escaped(words), 'gi');
    const inRest = this.rest && new RegExp(escaped(words), 'i').test(this.rest) ? this.whole : -1;
    const from = line < this.begin ? this.begin - 1 : line;
    const home = from < this.begin ? (way > 0 ? 0 : many - 1) : Math.max(0, under(this.pieces, Math.min(from, this.whole - 1), (one) => one.first));
    if (inRest >= 0 && way < 0 && from < this.begin) return inRest;
    for (let step = 0; step <= many; step += 1) {
      const round = home + way * step;
      const piece = this.pieces[((round % many) + many) % many];
      const found = piece ? this.#within(piece, wanted, step === 0 ? from : null, way, step === many ? from : null) : -1;
      if (found >= 0) return found;
      const last = way > 0 ? round === many - 1 : round === 0;
      if (last && inRest >= 0 && inRest !== from) return inRest;
    }
    return inRest;
  }

  /** In one piece: beyond the line `past`, or up to `until` where the whole round was made. */
  #within(piece, wanted, past, way, until) {
    const { first, text, starts } = piece;
    const end = first + starts.length;
    let low = first;
    let high = end; // lines low..high-1
    if (past !== null) { if (way > 0) low = Math.max(first, past + 1); else high = Math.min(end, past); }
    if (until !== null) { if (way > 0) high = Math.min(end, until + 1); else low = Math.max(first, until); }
    if (low >= high) return -1;
    const stop = high < end ? starts[high - first] : text.length;
    let found = -1;
    wanted.lastIndex = starts[low - first];
    for (let hit = wanted.exec(text); hit && hit.index < stop; hit = wanted.exec(text)) {
      found = first + under(starts, hit.index);
      if (way > 0) break;
      wanted.lastIndex = starts[found - first + 1] ?? text.length;
    }
    return found;
  }
}
