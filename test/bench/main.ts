// npm run bench -- [--only a,b] [--rounds 25] [--quick] [--json] [--out file]: see README.md
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Contest } from "./broker/contest.ts";
import { decision } from "./decision.ts";
import { enforcing } from "./broker/enforcing.ts";
import { imports } from "./imports.ts";
import { joseWrapper } from "./jose-wrapper.ts";
import { mint } from "./mint.ts";
import { redis } from "./redis.ts";
import { record } from "./record.ts";
import { report } from "./report.ts";
import type { Bench, Benchmark } from "./result.ts";
import { roundTrip } from "./round-trip.ts";
import { table } from "./table.ts";
import { wrapping } from "./wrapping.ts";

const BENCHMARKS: readonly Benchmark[] = [
  mint,
  wrapping,
  joseWrapper,
  roundTrip,
  imports,
  record,
  enforcing,
  decision,
  redis,
];

const PLAN = { rounds: 25, warmUp: 10 };
const QUICK_PLAN = { rounds: 3, warmUp: 1 };

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const chosen = choose(values.only);
const directory = mkdtempSync(join(tmpdir(), "agent-keys-bench-"));
const startMs = performance.now();
const [load = 0] = loadavg();
try {
  const { quick } = values;
  const contests: Contest[] = [];
  const plan = quick ? QUICK_PLAN : PLAN;
  const bench: Bench = {
    ...plan,
    rounds: roundsOf(values.rounds) ?? plan.rounds,
    directory,
    quick,
    tell: (contest) => contests.push(contest),
  };
  const measured = [];
  for (const benchmark of chosen) {
    console.error(`agent-keys: measuring (${benchmark.id}) ${benchmark.title}`);
    const rows = await benchmark.run(bench);
    measured.push({ benchmark, contests: contests.splice(0), rows });
  }
  const result = report(measured, { load, quick, seconds: (performance.now() - startMs) / 1000 });
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  if (values.out !== undefined) writeFileSync(values.out, json);
  process.stdout.write(values.json ? json : table(result));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function roundsOf(text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,5}$/.test(text))
    return text === undefined ? undefined : Number(text);
  console.error("agent-keys: --rounds takes a whole number, 1 or more");
  process.exit(2);
}

function choose(only: string | undefined): readonly Benchmark[] {
  if (only === undefined) return BENCHMARKS;
  return only.split(",").map((id) => {
    const found = BENCHMARKS.find((benchmark) => benchmark.id === id.trim());
    if (found !== undefined) return found;
    console.error(`agent-keys: --only knows ${BENCHMARKS.map((one) => one.id).join(", ")}`);
    process.exit(2);
  });
}
