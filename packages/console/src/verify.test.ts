import { appendFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import { type ChainReport, segmentsOf } from "@agent-keys/core/audit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agentKeys, jsonLines, runHere, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "audit.jsonl");
let lines: string[];

beforeAll(async () => {
  await writeRecord(file);
  await writeRecord(file);
  lines = readFileSync(file, "utf8").trimEnd().split("\n");
});
afterAll(() => directory[Symbol.dispose]());

let count = 0;
function written(content: readonly string[]): string {
  count += 1;
  const path = join(directory.path, `record-${count}`);
  writeFileSync(path, content.map((line) => `${line}\n`).join(""));
  return path;
}

test("a record as it was written is intact, and what a chain cannot show is said", () => {
  const { status, stdout, stderr } = agentKeys(["verify", file], { env: { COLUMNS: "80" } });
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`intact  ${file}\n36 events of 2 writers`);
  const text = stdout.replaceAll("\n", " ");
  expect(text).toContain("cannot show a tail that was cut off");
  expect(text).toContain("a chain that was computed again");
  const below = stdout.split("\n").filter((line) => !line.includes(file));
  expect(Math.max(...below.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("the first bad line is named, with its place and what is wrong; exit 1", () => {
  const path = written(
    lines.with(4, lines[4]!.replace("tickets:read", "tickets:fake")).toSpliced(9, 1),
  );
  const { status, stdout, stderr } = agentKeys(["verify", "--file", path]);
  expect([status, stderr]).toEqual([1, ""]);
  const byte = Buffer.byteLength(lines.slice(0, 4).join("\n")) + 1;
  const first = stdout.split("\n").findIndex((line) => line.startsWith("DAMAGED  line"));
  expect(stdout.split("\n")[first]).toContain(`line 5, byte ${byte}: its bytes`);
  expect(stdout).toContain("DAMAGED  2 findings in");
  expect(stdout).toContain("DAMAGED  line 10,");
});

test("--json has everything, and the heads to keep", async () => {
  const [report] = jsonLines<ChainReport & { intact: boolean; files: string[] }>(
    await runHere(["verify", "--json", file]),
  );
  expect(report).toMatchObject({
    intact: true,
    files: [file],
    events: 36,
    damage: [],
    noteCount: 0,
  });
  const { writer, seq, hash } = JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  expect(report!.heads).toContainEqual({ writer, seq, hash });
});

describe("segments", () => {
  test("are one record, in any order, and named where they are bad", async () => {
    const parts = [
      written(lines.slice(0, 7)),
      written(lines.slice(7, 20)),
      written(lines.slice(20)),
    ];
    expect((await runHere(["verify", ...parts])).status).toBe(0);
    const [a, b, c] = parts as [string, string, string];
    expect((await runHere(["verify", c, a, "--file", b])).stdout).toContain("3 files");
    const { status, stdout } = await runHere(["verify", c, a]);
    expect(status).toBe(1);
    expect(stdout).toContain(`DAMAGED  ${c} line 1,`);
  });

  test("that a writer put aside are read with the file, by each command", async () => {
    const path = join(directory.path, "rotated.jsonl");
    const audit = fileSink(path, { maxBytes: 4096 });
    const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit });
    const first = keys.mint("a:first");
    for (let call = 0; call < 20; call += 1) keys.mint("a:b").close();
    first.close();
    const { status, stdout } = await runHere(["verify", path]);
    expect([status, stdout.split("\n")[0]]).toEqual([0, expect.stringContaining("files")]);
    expect((await runHere(["ls", "--json", "--limit", "100", "--file", path])).stdout).toContain(
      `"a:first"`,
    );
    expect((await runHere(["tail", "-n", "44", "--file", path])).stdout.split("\n")).toHaveLength(
      45,
    );
    expect((await runHere(["show", "--file", path, "--", first.id])).stdout).toContain("a:first");
    rmSync(segmentsOf(path)[1]!);
    expect((await runHere(["verify", path])).status).toBe(1);
  });

  test("one file under two names is one segment", async () => {
    const link = join(directory.path, "link");
    symlinkSync(file, link);
    expect((await runHere(["verify", file, link, file])).status).toBe(0);
  });

  test("one that is missing is a failure, not damage", async () => {
    const { status, stdout, stderr } = await runHere(["verify", file, "/nowhere"]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("/nowhere does not exist");
  });
});

test("a torn line that the next writer repaired is a note", async () => {
  const path = written(lines);
  appendFileSync(path, lines[3]!.slice(0, 77));
  expect((await runHere(["verify", path])).status).toBe(1);
  using sink = fileSink(path);
  createAgentKeys({ agent: "a", policy: "allow-all", audit: sink }).mint("a:b").close();
  const { status, stdout } = await runHere(["verify", path]);
  expect(status).toBe(0);
  expect(stdout).toContain("intact");
  expect(stdout).toMatch(/^note {2}line 37, byte \d+: torn line/m);
});

test.each([
  ["junk", Buffer.from("junk\n")],
  ["zeros", Buffer.alloc(3_000_000)],
  ["deep JSON", Buffer.from("[".repeat(3_000_000))],
])("a file of %s is damaged", async (what, content) => {
  const path = join(directory.path, what);
  writeFileSync(path, content);
  expect((await runHere(["verify", path])).status).toBe(1);
});

test("an empty file has nothing wrong with it", async () => {
  const { status, stdout } = await runHere(["verify", written([])]);
  expect(status).toBe(0);
  expect(stdout).toContain("0 events of 0 writers");
});

test("many findings are counted, and some are shown", async () => {
  const { stdout } = await runHere(["verify", written(Array.from({ length: 500 }, () => "junk"))]);
  expect(stdout).toContain("DAMAGED  500 findings");
  expect(stdout).toContain("and 480 more");
  expect(stdout.match(/^DAMAGED {2}line/gm)).toHaveLength(20);
});
