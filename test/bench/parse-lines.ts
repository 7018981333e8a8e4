// Parses every line of a file and prints how many milliseconds that took: node parse-lines.ts <file>
import { closeSync, openSync, readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

const start = performance.now();
const fd = openSync(process.argv[2] ?? "", "r");
const buffer = Buffer.alloc(2 * CHUNK_BYTES);
let held = 0;
for (;;) {
  const got = readSync(fd, buffer, held, CHUNK_BYTES, null);
  if (got === 0) break;
  const end = held + got;
  let from = 0;
  for (let at = buffer.indexOf(NEWLINE); at >= 0 && at < end; at = buffer.indexOf(NEWLINE, from)) {
    JSON.parse(buffer.toString("utf8", from, at));
    from = at + 1;
  }
  buffer.copy(buffer, 0, from, end);
  held = end - from;
}
closeSync(fd);
console.log(performance.now() - start);
