import { setImmediate as immediate } from "node:timers/promises";
import { workloads } from "./workloads.ts";

/**
 * Runs a workload and prints the bytes in use after N steps, after twice and after three times as many.
 * What is kept for as long as a key lives, caches and compiled code are there before the first count.
 */
const [name = "", stepsText = "", path = ""] = process.argv.slice(2);
const steps = Number(stepsText);
const step = workloads(path)[name]?.();
if (step === undefined) throw new TypeError(`no workload ${name}`);

let at = 0;
async function run(until: number): Promise<void> {
  for (; at < until; at += 1) {
    await step?.(at);
    if (at % 50 === 0) await immediate();
  }
}

async function inUse(): Promise<number> {
  const counts: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    await immediate();
    globalThis.gc?.();
    counts.push(process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers);
  }
  return Math.min(...counts);
}

const bytes: number[] = [];
for (let times = 1; times <= 3; times += 1) {
  await run(times * steps);
  bytes.push(await inUse());
}
console.log(JSON.stringify(bytes));
