import { appendFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentKeys, jsonLines, runHere, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "audit.jsonl");

beforeAll(async () => {
  await writeRecord(file);
});
afterAll(() => directory[Symbol.dispose]());

test("every event is exported, the oldest first, in each format", async () => {
  const csv = agentKeys(["export", "--format", "csv", "--file", file]);
  expect([csv.status, csv.stderr]).toEqual([0, ""]);
  const rows = csv.stdout.split("\r\n").slice(0, -1);
  expect(rows).toHaveLength(19);
  expect(rows[0]).toMatch(/^time,type,id,/);
  expect(rows[1]).toContain('"audit.opened"');
  const cef = await runHere(["export", "--format", "cef", "--file", file]);
  expect(
    cef.stdout
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("CEF:0|")),
  ).toHaveLength(18);
  const ocsf = jsonLines<{ time: number }>(
    await runHere(["export", "--format", "ocsf", "--file", file]),
  );
  expect(ocsf).toHaveLength(18);
  expect(ocsf).toEqual(ocsf.toSorted((a, b) => a.time - b.time));
});

test("filters choose, and --out is a new file for its owner alone", async () => {
  const out = join(directory.path, "denied.csv");
  const args = ["export", "--format", "csv", "--type", "key.denied", "--file", file, "--out", out];
  const ran = await runHere(args);
  expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, "", ""]);
  expect(readFileSync(out, "utf8").trimEnd().split("\r\n")).toHaveLength(5);
  expect(statSync(out).mode & 0o777).toBe(0o600);
  const again = await runHere(args);
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining("is there already")]);
});

test("damaged lines are passed over and said", async () => {
  const damaged = join(directory.path, "damaged.jsonl");
  appendFileSync(damaged, `junk\n${readFileSync(file, "utf8")}`);
  const ran = await runHere(["export", "--format", "ocsf", "--file", damaged]);
  expect(jsonLines(ran)).toHaveLength(18);
  expect(ran.stderr).toContain("1 damaged line was passed over");
});

test.each([
  [[], "needs --format"],
  [["--format", "xml"], 'cannot be "xml"'],
  [["--format", "csv", "--limit", "3"], "has no flag"],
  [["--format", "csv", "--file", "missing"], "does not exist"],
])("export %o: exit 2, and what to do", async (args, said) => {
  const { status, stdout, stderr } = await runHere(["export", ...args]);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(said);
  expect(stderr).toContain("hint: ");
});
