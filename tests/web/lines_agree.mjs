// Lines (web/parts/lines.js) against a plain list of strings, which does the same slowly; a difference ends it.
import { Lines } from './lines.mjs';
const BAD = /(?<!\b(?:0|no) )\b(?:errors?|exception|traceback|fatal|failed|failure|cannot|segfault|out of memory)\b/i;
let seed = Number(process.argv[2]);
const chance = (most) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % most; };
const WORDS = ['frame', 'Error', '0 errors', 'x', '', 'sample 12', 'FAILED', 'a.b(c', 'frames', '\t'];
const differ = (what, a, b) => { if (JSON.stringify(a) !== JSON.stringify(b)) { console.log(what, JSON.stringify(a), JSON.stringify(b)); process.exit(1); } };
for (let round = 0; round < 60; round += 1) {
  const most = [64, 4000, 1e9][chance(3)];
  const lines = new Lines(most);
  let all = '';
  for (let piece = 0; piece < chance(40); piece += 1) {
    let text = '';
    for (let word = chance(30); word > 0; word -= 1) text += WORDS[chance(WORDS.length)] + (chance(3) ? ' ' : '\n');
    lines.add(text);
    all += text;
  }
  const list = all.split('\n');
  if (list[list.length - 1] === '') list.pop();
  differ('count', lines.count, list.length);
  if (most === 1e9) differ('begin', lines.begin, 0);
  for (let at = lines.begin; at < list.length; at += 1) differ(`line ${at}`, lines.at(at), list[at]);
  const whole = lines.whole;
  const bad = list.map((text, at) => [text, at]).filter(([text, at]) => at >= lines.begin && at < whole && BAD.test(text)).map(([, at]) => at);
  differ('bad', lines.bad, bad);
  for (const at of bad) if (!lines.isBad(at)) differ('isBad', at, false);
  for (let look = 0; look < 40; look += 1) {
    const words = ['frame', 'ERROR', 'a.b(c', 'nowhere', 'x', 'sample 12'][chance(6)];
    const from = lines.begin - 1 + chance(list.length - lines.begin + 1);
    const way = chance(2) ? 1 : -1;
    const hits = list.map((text, at) => at).filter((at) => at >= lines.begin && list[at].toLowerCase().includes(words.toLowerCase()));
    const after = way > 0 ? hits.filter((at) => at > from) : hits.filter((at) => at < from).reverse();
    const round_ = way > 0 ? hits : [...hits].reverse();
    differ(`${words} ${way} from ${from} of ${list.length}`, lines.find(words, from, way), after[0] ?? round_[0] ?? -1);
    const worse = way > 0 ? bad.filter((at) => at > from) : bad.filter((at) => at < from).reverse();
    differ(`bad ${way} from ${from}`, lines.nextBad(from, way), worse[0] ?? (way > 0 ? bad[0] : bad[bad.length - 1]) ?? -1);
  }
}
