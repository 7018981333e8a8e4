// What accepting an event costs in each sink that keeps it, and how much a pump of PostgreSQL sends:
//   npm run build && npx node test/bench/audit-sinks.ts
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresSink } from "@agent-keys/audit/postgres";
import { sqliteSink } from "@agent-keys/audit/sqlite";
import { fileSink, type Sink } from "@agent-keys/core";
import { callFacts, writerNamed } from "../../packages/audit/test/sealed.ts";
import { postgresMissing, startPostgres } from "../servers/postgres.ts";

const ROUNDS = 20;
const CALLS_A_ROUND = 250;
const directory = mkdtempSync(join(tmpdir(), "agent-keys-sinks-"));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

if (postgresMissing !== undefined) throw new Error(postgresMissing);
await using server = await startPostgres();
await using postgres = postgresSink({
  connection: server.url,
  spool: join(directory, "spool"),
  flushMs: 120_000,
});
using file = fileSink(join(directory, "audit.jsonl"));
using sqlite = sqliteSink(join(directory, "audit.db"));
const sinks: readonly (readonly [string, Sink])[] = [
  ["fileSink", file],
  ["postgresSink", postgres],
  ["sqliteSink", sqlite],
];
const costs = new Map<string, number[]>(sinks.map(([name]) => [name, []]));
let rows = 0;
let pumpedMs = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, sink] of sinks) {
    const seal = writerNamed(`${name}-${round}`);
    const calls = Array.from({ length: CALLS_A_ROUND }, (_, n) =>
      callFacts({ keyId: `k${round}-${n}` }),
    );
    const sealed = calls.flat().map(seal);
    sink.notices?.("");
    const startMs = performance.now();
    for (const { event, line } of sealed) {
      sink.notices?.(line);
      void sink.write(event, line);
    }
    costs.get(name)?.push(((performance.now() - startMs) * 1_000) / sealed.length);
    if (sink !== postgres) continue;
    const sentMs = performance.now();
    await sink.flush?.();
    pumpedMs += performance.now() - sentMs;
    rows += sealed.length;
  }
}
const floor = median(costs.get("fileSink") ?? []);
for (const [name, all] of costs) {
  const cost = median(all);
  console.log(`${name}: ${cost.toFixed(1)} µs an event, ${(cost / floor).toFixed(2)} of fileSink`);
}
console.log(`pump: ${Math.round(rows / (pumpedMs / 1_000))} events a second, ${rows} in all`);
rmSync(directory, { recursive: true, force: true });
