// npm run bench [-- --only a,b] [--quick] [--json] [--out file]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { imports } from "./imports.ts";
import { joseWrapper } from "./jose-wrapper.ts";
import { mint } from "./mint.ts";
import { record } from "./record.ts";
import { report } from "./report.ts";
import type { Bench, Benchmark } from "./result.ts";
import { roundTrip } from "./round-trip.ts";
import { table } from "./table.ts";
import { wrapping } from "./wrapping.ts";

const BENCHMARKS: readonly Benchmark[] = [mint, wrapping, joseWrapper, roundTrip, imports, record];

const PLAN = { rounds: 41, warmUp: 15 };
const QUICK_PLAN = { rounds: 3, warmUp: 1 };

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const chosen = choose(values.only);
const directory = mkdtempSync(join(tmpdir(), "agent-keys-bench-"));
const startMs = performance.now();
try {
  const { quick } = values;
  const bench: Bench = { ...(quick ? QUICK_PLAN : PLAN), directory, quick };
  const measured = [];
  for (const benchmark of chosen) {
    console.error(`agent-keys: measuring (${benchmark.id}) ${benchmark.title}`);
    measured.push({ benchmark, rows: await benchmark.run(bench) });
  }
  const result = report(measured, { quick, seconds: (performance.now() - startMs) / 1000 });
  const json = `${JSON.stringify(result, undefined, 2)}\n`;
  if (values.out !== undefined) writeFileSync(values.out, json);
  process.stdout.write(values.json ? json : table(result));
} finally {
  rmSync(directory, { recursive: true, force: true });
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
