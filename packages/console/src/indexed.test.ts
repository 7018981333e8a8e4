import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import { segmentsOf } from "@agent-keys/core/audit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Ran, runHere, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";

const original = temporaryDirectory();
const directory = temporaryDirectory();
const file = join(directory.path, "audit.jsonl");
let ids: readonly string[];

beforeAll(async () => {
  const source = join(original.path, "audit.jsonl");
  await writeRecord(source);
  {
    using sink = fileSink(source, { maxBytes: 15_000 });
    const keys = createAgentKeys({ agent: "extra-bot", policy: "allow-all", audit: sink });
    for (let calls = 0; calls < 60; calls += 1) keys.mint(`github:repo${calls % 7}.read`).close();
    appendFileSync(source, '{"v":1,"writer":"torn');
  }
  await writeRecord(source);
  appendFileSync(source, "junk\n");
  await writeRecord(source);
  const text = [...segmentsOf(source), source].map((path) => readFileSync(path, "utf8")).join("");
  const found = text.matchAll(/"(?:keyId|callId|id)":"([^"]+)"/g);
  ids = [...new Set(Array.from(found, ([, id = ""]) => id))];
});
afterAll(() => {
  original[Symbol.dispose]();
  directory[Symbol.dispose]();
});
beforeEach(() => {
  for (const name of readdirSync(directory.path)) rmSync(join(directory.path, name));
  for (const name of readdirSync(original.path)) {
    copyFileSync(join(original.path, name), join(directory.path, name));
  }
});

/** What a person may ask, of each kind some. */
function questions(): readonly (readonly string[])[] {
  const some = ids.filter((_, at) => at % 40 === 0);
  return [
    ...some.map((id) => ["show", "--json", "--", id]),
    ...some.slice(0, 4).map((id) => ["show", "--", id.slice(0, 7)]),
    ...some.slice(0, 4).map((id) => ["show", "--", id.slice(-7)]),
    ["show", "call_"],
    ["show", "nobody-has-this"],
    ["show", "call_Nn20AaBbCcDd", "--type", "key.closed"],
    ["ls", "--limit", "1000", "--agent", "report-bot"],
    ["ls", "--limit", "7", "--tool", "send_mail", "--outcome", "error"],
    ["ls", "--limit", "1000", "--scope", "github:*", "--user", "ada@example.com"],
    ["ls", "--limit", "1000", "--scope", "github:repo3.read"],
    ["ls", "--limit", "1000", "--type", "key.revoked"],
    ["ls", "--agent", "nobody"],
    ["ls", "--limit", "1000"],
  ];
}

async function answers(): Promise<readonly Ran[]> {
  const all: Ran[] = [];
  for (const [command = "", ...args] of questions()) {
    const nowMs = Date.parse("2027-01-01T00:00:00Z");
    all.push(await runHere([command, "--file", file, ...args], { nowMs }));
  }
  return all;
}

/** Every answer with what stands there as the index, against every answer without. */
async function expectTheSame(): Promise<void> {
  const withIndex = await answers();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${file}.index${suffix}`, { force: true });
  expect(withIndex).toEqual(await answers());
}

test("every answer is the same with an index and without", async () => {
  expect(segmentsOf(file).length).toBeGreaterThan(1);
  const made = await runHere(["index", "--file", file]);
  expect([made.status, made.stderr]).toEqual([0, expect.stringContaining("lines were new")]);
  expect(statSync(`${file}.index`).mode & 0o777).toBe(0o600);
  await expectTheSame();
}, 60_000);

describe("an index that is wrong or behind changes no answer", () => {
  const change: Readonly<Record<string, () => Promise<void> | void>> = {
    "lines were added": async () => void (await writeRecord(file)),
    "the file was put aside and another begun": async () => {
      renameSync(file, `${file}.20991231T235959999Z-00000000`);
      await writeRecord(file);
    },
    "the record was cut off": () => writeFileSync(file, readFileSync(file).subarray(0, 3_000)),
    "another record has the name": async () => {
      rmSync(file);
      await writeRecord(file);
    },
    "the first segment is gone": () => rmSync(segmentsOf(file)[0] ?? ""),
    "the index is cut off": () =>
      writeFileSync(`${file}.index`, readFileSync(`${file}.index`).subarray(0, 9_000)),
    "the index is damaged in the middle": () => {
      const bytes = readFileSync(`${file}.index`);
      for (let at = 4_096; at < bytes.length; at += 4_096) bytes.fill(0xa5, at, at + 16);
      writeFileSync(`${file}.index`, bytes);
    },
    "the index is no database": () => writeFileSync(`${file}.index`, "junk".repeat(5_000)),
    "the index is empty": () => writeFileSync(`${file}.index`, ""),
  };

  test.each(Object.keys(change))(
    "%s",
    async (what) => {
      await runHere(["index", "--file", file]);
      await change[what]?.();
      copyFileSync(`${file}.index`, `${file}.index.wrong`);
      await expectTheSame();
      copyFileSync(`${file}.index.wrong`, `${file}.index`);
      // Made again, from whatever is there.
      expect((await runHere(["index", "--file", file])).stderr).toContain("lines were new");
      await expectTheSame();
    },
    60_000,
  );
});

test("where nothing passes, that is what is said, and not that there is nothing", async () => {
  const whole = join(directory.path, "whole.jsonl");
  await writeRecord(whole);
  await runHere(["index", "--file", whole]);
  const { status, stderr } = await runHere(["ls", "--agent", "nobody", "--file", whole]);
  expect([status, stderr]).toEqual([0, expect.stringContaining("passes the filters")]);
});

test("bringing it up to date reads what is new only", async () => {
  await runHere(["index", "--file", file]);
  await writeRecord(file);
  const again = await runHere(["index", "--file", file, "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({ file, added: 18 });
  expect(JSON.parse((await runHere(["index", "--file", file, "--json"])).stdout)).toMatchObject({
    added: 0,
  });
});
