import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "./bench/report.ts";
import { isSaid } from "./servers/is-said.ts";
import { redisMissing } from "./servers/redis.ts";

const run = promisify(execFile);
const main = join(import.meta.dirname, "bench/main.ts");

// A quick run: that the benchmarks work and say what they should, never how fast anything is.
describe("npm run bench -- --quick", () => {
  let directory: string;
  let report: Report;
  let table: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "agent-keys-bench-test-"));
    const out = join(directory, "report.json");
    const { stdout } = await run(process.execPath, [main, "--quick", "--out", out]);
    table = stdout;
    report = JSON.parse(await readFile(out, "utf8")) as Report;
  }, 240_000);
  afterAll(async () => await rm(directory, { recursive: true, force: true }));

  test("has every benchmark of the set, with rows that are finite numbers", () => {
    expect(report.benchmarks.map(({ id }) => id)).toEqual("abcdefghi".split(""));
    for (const { id, title, means, rows } of report.benchmarks) {
      expect(title).not.toBe("");
      expect(means.join("\n")).toMatch(/floor/);
      expect(rows.length > 0).toBe(id !== "i" || !isSaid(redisMissing));
      for (const { what, unit, ratio, ratioQuartiles, ours, floor, rounds } of rows) {
        expect(what).not.toBe("");
        expect(["µs", "ms", "/s", "MiB", "open"]).toContain(unit);
        // What wrapping adds is a difference, which a busy machine may even turn around.
        for (const value of [ratio, ...ratioQuartiles, ours]) expect(value).toBeTypeOf("number");
        expect(ratioQuartiles[0]).toBeLessThanOrEqual(ratioQuartiles[1]);
        expect(floor).toBeGreaterThan(0);
        // Memory is looked at once.
        expect(rounds).toBe(unit === "MiB" ? 1 : 3);
      }
    }
  });

  test("holds the targets, and says which were missed by what it measured", () => {
    const rows = report.benchmarks.flatMap(({ id, rows: own }) => own.map((row) => ({ id, row })));
    const targets = rows.flatMap(({ id, row: { target, unit } }) =>
      target === undefined
        ? []
        : [`${id} ${target.of} ${target.atMost ?? `≥ ${target.atLeast}`} ${unit}`],
    );
    expect(targets).toEqual([
      "a ratio 1.3 µs",
      "b ratio 1.4 µs",
      "b ratio 1.4 µs",
      "c ratio 0.5 µs",
      "d ratio 1.3 µs",
      "d ratio 0.6 µs",
      "f ratio 2 ms",
      "f difference 150 ms",
      "g ratio ≥ 0.8 /s",
      "g ratio 1.3 µs",
      "g ratio ≥ 1 /s",
      "g difference 0.3 ms",
      "g difference 0.3 ms",
      "g ratio ≥ 1 open",
      "g ratio ≥ 1 open",
      "g ratio 1.1 MiB",
      "g ratio 1.1 MiB",
      "h difference 2 µs",
      "h ratio 1.3 µs",
      ...(redisMissing === undefined ? ["i ratio 1.3 µs", "i ratio 1.1 µs"] : []),
    ]);
    for (const { ratio, ours, floor, target, missed } of rows.map(({ row }) => row)) {
      const reached = target?.of === "difference" ? ours - floor : ratio;
      const { atMost = Infinity, atLeast = -Infinity } = target ?? {};
      expect(missed).toBe(reached > atMost || reached < atLeast);
    }
  });

  test("lets everybody do what the broker does, and nothing is too fast to be true", () => {
    const contests = report.benchmarks.find(({ id }) => id === "g")?.contests ?? [];
    expect(contests).toHaveLength(5);
    for (const { standings } of contests) {
      const names = standings.map(({ who }) => who).filter((who) => who !== "nginx");
      expect(names).toEqual([
        "direct",
        "bare proxy",
        "bare, 2 lines",
        "bare, verify",
        "bare, verify + lines",
        "http-proxy-3",
        "@fastify/reply-from",
        "broker, one key",
        "broker, fresh keys",
      ]);
      expect(standings[0]?.processorMicros).toBeUndefined();
      for (const { who, processorMicros, p50Ms, p99Ms } of standings) {
        expect(who === "direct" || (processorMicros ?? 0) > 0).toBe(true);
        expect(p50Ms).toBeGreaterThan(0);
        expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
      }
    }
  });

  test("says where, when and with what", () => {
    expect(report).toMatchObject({ v: 1, quick: true, node: process.versions.node });
    expect(Date.parse(report.date)).not.toBeNaN();
    expect(report.machine).toEqual({
      processor: expect.any(String) as string,
      cores: expect.any(Number) as number,
      memoryGib: expect.any(Number) as number,
      system: expect.stringContaining(process.platform) as string,
    });
    for (const version of Object.values(report.versions)) expect(version).toMatch(/^\d+\.\d+\.\d+/);
  });

  test("prints a table of at most 80 columns, ratios first, and exits 0 whatever was missed", () => {
    expect(table.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const missed = report.benchmarks.flatMap(({ rows }) => rows).filter((row) => row.missed).length;
    expect(table.match(/ MISSED /g)?.length ?? 0).toBe(missed);
    expect(table).toMatch(/^ *\d+\.\d\d× +≤ 1\.3× .* mint$/m);
  });
});

test("--only measures what it names, --json prints the report alone", async () => {
  const { stdout } = await run(process.execPath, [main, "--quick", "--only", "a", "--json"]);
  const { benchmarks } = JSON.parse(stdout) as Report;
  expect(benchmarks.map(({ id }) => id)).toEqual(["a"]);
});

test("an unknown benchmark is one line on stderr and exit 2", async () => {
  const failed = run(process.execPath, [main, "--only", "z"]);
  await expect(failed).rejects.toMatchObject({
    code: 2,
    stdout: "",
    stderr: "agent-keys: --only knows a, b, c, d, e, f, g, h, i\n",
  });
});
