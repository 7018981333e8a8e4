// Runs a command of the console and says how long it took, once all was imported, and how much memory.
import { run } from "@agent-keys/console";

const args = process.argv.slice(2);
const from = (all: readonly string[]): readonly string[] =>
  all.slice(all.indexOf("--from"), all.indexOf("--from") + 2);
let outBytes = 0;
const terminal = {
  out: (text: string): void => void (outBytes += text.length),
  err: (text: string): void => void process.stderr.write(text),
  columns: Infinity,
  isTerminal: false,
  env: {},
  now: Date.now,
};
// What it imports, and the connection's own start, are not what is measured.
await run(["show", ...from(args), "nothing-like-it"], { ...terminal, err: () => undefined });
const startMs = performance.now();
const status = await run(args, terminal);
const ms = performance.now() - startMs;
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ status, ms, maxRssBytes: maxRSS * 1024, outBytes }));
