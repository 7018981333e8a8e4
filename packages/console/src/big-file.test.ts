import fs, { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jsonLines, runHere, temporaryDirectory } from "../test/command.ts";
import { type Recorded, writeRecord } from "../test/record.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "big.jsonl");
const BIG_BYTES = 200 * 1024 * 1024;
const LINES = 20_000;
let recorded: Recorded;
let readBytes = 0;
const { readSync } = fs;

beforeAll(async () => {
  const one = join(directory.path, "one.jsonl");
  recorded = await writeRecord(one);
  const record = readFileSync(one, "utf8");
  writeFileSync(file, "");
  // A hole: it takes no space, and reads as 200 MB of zeros.
  truncateSync(file, BIG_BYTES);
  appendFileSync(file, "\n");
  const copies = Math.ceil(LINES / record.trimEnd().split("\n").length);
  for (let copy = 0; copy < copies; copy += 1) appendFileSync(file, record);
  fs.readSync = ((...args: Parameters<typeof readSync>) => {
    const got = readSync(...args);
    readBytes += got;
    return got;
  }) as typeof readSync;
  syncBuiltinESMExports();
});
afterAll(() => {
  fs.readSync = readSync;
  syncBuiltinESMExports();
  directory[Symbol.dispose]();
});

describe("of a file of 200 MB", () => {
  test.each([
    ["ls --limit 50", 50],
    ["tail", 10],
    ["ls --type key.denied --limit 20", 20],
    ["ls --limit 1000", 1_000],
  ])("%s reads the end only", async (line, count) => {
    readBytes = 0;
    const ran = await runHere([...line.split(" "), "--json", "--file", file]);
    expect(jsonLines(ran)).toHaveLength(count);
    expect(ran.stderr).toBe("");
    expect(readBytes).toBeGreaterThan(0);
    expect(readBytes).toBeLessThan(2_000_000);
  });

  test("what is asked for since a while ago is not looked for in all of it", async () => {
    readBytes = 0;
    const nowMs = Date.now() + 3_600_000;
    const ran = await runHere(["stats", "--since", "1m", "--json", "--file", file], { nowMs });
    expect(ran.stderr).toContain("no call of");
    expect(readBytes).toBeLessThan(5_000_000);
  });

  test("show and verify read all of it in bounded time and memory", async () => {
    const before = performance.now();
    const shown = await runHere(["show", recorded.ids.inner, "--file", file, "--limit", "1"]);
    expect(shown.stdout).toContain("get_ticket");
    expect(shown.stderr).toContain("1 damaged line was");
    const verified = await runHere(["verify", "--json", file]);
    const [{ damage }] = jsonLines<{ damage: { line: number; code: string }[] }>(verified) as [
      never,
    ];
    expect(verified.status).toBe(1);
    expect(damage[0]).toMatchObject({ line: 1, code: "too_long" });
    expect(performance.now() - before).toBeLessThan(30_000);
    expect(process.memoryUsage.rss()).toBeLessThan(600 * 1024 * 1024);
  }, 60_000);
});
