// Two million lines: what is kept of them.
import { Lines } from './lines.mjs';
const lines = new Lines();
for (let piece = 0; piece < 4000; piece += 1) {
  let text = '';
  for (let at = 0; at < 500; at += 1) text += `${piece * 500 + at} Fra:12 Mem:400M | Rendering sample ${at}\n`;
  lines.add(text);
}
let kept = 0;
for (const piece of lines.pieces) kept += piece.text.length;
console.log(JSON.stringify({ count: lines.count, begin: lines.begin, kept, first: lines.at(lines.begin), last: lines.at(1999999) }));
