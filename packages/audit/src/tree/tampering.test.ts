import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { segmentsOf } from "@agent-keys/core/audit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { choices, signingPair, temporaryDirectory, writerTo } from "../../test/record.ts";
import { leafHash } from "../merkle/hashing.ts";
import { noteSigner, noteVerifier } from "../note/note.ts";
import { checkpointFile } from "./checkpoint-record.ts";
import { type TreeReport, verifyRecord } from "./verify-record.ts";

const { key, publicKey } = signingPair();
const options = { key, origin: "example.com/audit" };
const verifier = noteVerifier(options.origin, publicKey);
const original = temporaryDirectory();
const copy = temporaryDirectory();
const path = join(copy.path, "audit.jsonl");
let kept = "";
let early = "";

beforeAll(async () => {
  const source = join(original.path, "audit.jsonl");
  using one = writerTo(source, { maxBytes: 12_000 });
  using two = writerTo(source, { maxBytes: 12_000 });
  for (let round = 0; round < 6; round += 1) {
    one.calls(5);
    two.calls(4);
    kept = (await checkpointFile(source, options))?.envelope ?? "";
    if (round === 2) early = kept;
  }
});
afterAll(() => {
  original[Symbol.dispose]();
  copy[Symbol.dispose]();
});
beforeEach(restore);

function restore(): void {
  for (const name of readdirSync(copy.path)) rmSync(join(copy.path, name));
  for (const name of readdirSync(original.path)) {
    copyFileSync(join(original.path, name), join(copy.path, name));
  }
}

const files = (): readonly string[] => [...segmentsOf(path), path];
const held = (by: string = kept): TreeReport => verifyRecord(path, { kept: by, key: verifier });
const codes = ({ findings }: TreeReport): readonly string[] => findings.map(({ code }) => code);

const edited = new Set<string>();

/** Puts back what `edit` and `byLines` changed, which is quicker than all of it. */
function undo(): void {
  for (const file of edited) copyFileSync(join(original.path, basename(file)), file);
  edited.clear();
}

/** Writes a file's bytes after a change. */
function edit(file: string, change: (bytes: Buffer) => Buffer): void {
  edited.add(file);
  writeFileSync(file, change(readFileSync(file)));
}

function byLines(file: string, change: (lines: string[]) => string[]): void {
  edited.add(file);
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  writeFileSync(
    file,
    change(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

test("what nobody changed holds, and so does what was written since", () => {
  expect(segmentsOf(path).length).toBeGreaterThanOrEqual(3);
  expect(held()).toMatchObject({ findings: [], removed: 0 });
  expect(held(early).findings).toEqual([]);
  appendFileSync(path, "more\n");
  expect(held().findings).toEqual([]);
});

describe("of 1,000 changes at random each is found against a checkpoint that was kept", () => {
  const below = choices(20_261_124);
  const mutate: Readonly<Record<string, () => string>> = {
    byte() {
      const file = files()[below(files().length)] ?? path;
      edit(file, (bytes) => {
        const at = below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 + below(255));
        return bytes;
      });
      return kept;
    },
    line() {
      const file = files()[below(files().length)] ?? path;
      byLines(file, (lines) => {
        const at = below(lines.length);
        const other = (at + 1 + below(lines.length - 1)) % lines.length;
        switch (below(4)) {
          case 0:
            return lines.toSpliced(at, 1);
          case 1:
            return lines.toSpliced(at, 0, lines[other] ?? "");
          case 2:
            return lines.with(at, lines[other] ?? "").with(other, lines[at] ?? "");
          default:
            return lines.toSpliced(at, 0, "");
        }
      });
      return kept;
    },
    checkpoint() {
      const bytes = Buffer.from(kept);
      const at = below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 + below(255));
      return bytes.toString("utf8");
    },
    "own checkpoint"() {
      const own = `${path}.checkpoints`;
      edit(own, (bytes) => {
        // But for the blank lines between two, which say nothing.
        let at = below(bytes.length);
        while (bytes[at] === 0x0a) at = below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 + below(255));
        return bytes;
      });
      return kept;
    },
    tail() {
      edit(path, (bytes) => bytes.subarray(0, below(bytes.length)));
      return kept;
    },
  };

  test.each([
    ["byte", 400],
    ["line", 300],
    ["checkpoint", 150],
    ["own checkpoint", 50],
    ["tail", 100],
  ])(
    "a %s, %i times",
    (what, times) => {
      const missed: number[] = [];
      for (let round = 0; round < times; round += 1) {
        const by = mutate[what]?.() ?? "";
        if (held(by).findings.length === 0) missed.push(round);
        undo();
      }
      expect(missed).toEqual([]);
    },
    60_000,
  );
});

describe("a change is found that", () => {
  test.each([0, 1, 2])("takes segment %i out", (index) => {
    rmSync(segmentsOf(path)[index]!);
    expect(codes(held())).toContain("file_missing");
    rmSync(`${path}.tree`);
    expect(codes(held())).not.toEqual([]);
  });

  test("swaps two segments' names, with the tree file and without", () => {
    const [one = "", two = ""] = segmentsOf(path);
    renameSync(one, `${path}.x`);
    renameSync(two, one);
    renameSync(`${path}.x`, two);
    expect(codes(held())).toEqual(["reordered"]);
    rmSync(`${path}.tree`);
    expect(codes(held())).toContain("changed");
  });

  test("cuts the newest file and everything the checkpoints say of it", () => {
    rmSync(path);
    byLines(`${path}.tree`, (lines) => lines.slice(0, 2));
    edit(`${path}.checkpoints`, (bytes) => bytes.subarray(0, bytes.indexOf("\n\n", 60) + 2));
    expect(codes(held())).toEqual(expect.arrayContaining(["cut", "checkpoint_missing"]));
    // Back to an earlier state, all of it: nothing but what was kept can show that.
    expect(codes(verifyRecord(path, { key: verifier }))).not.toContain("cut");
  });

  test("claims that a segment was removed rightly, behind what was signed", () => {
    const [first = ""] = segmentsOf(path);
    rmSync(first);
    using liar = writerTo(path, { maxBytes: 4_096, keep: 1 });
    liar.calls(20);
    const { findings } = held();
    expect(findings.map(({ code }) => code)).toContain("file_missing");
  });

  test("writes the whole record anew, with chains, tree and checkpoints of its own", async () => {
    for (const file of files()) rmSync(file);
    rmSync(`${path}.tree`);
    rmSync(`${path}.checkpoints`);
    using forger = writerTo(path, { maxBytes: 12_000 });
    forger.calls(60);
    await checkpointFile(path, { ...options, key: signingPair().key });
    expect(codes(held())).toEqual(expect.arrayContaining(["checkpoint_invalid", "changed"]));
    expect(codes(verifyRecord(path, { kept }))).toContain("changed");
  });
});

test("the first line that is another is named by its file, between two checkpoints", () => {
  const file = segmentsOf(path)[1] ?? "";
  byLines(file, (lines) => lines.with(3, `${lines[3]} `));
  const { findings, proven } = held();
  expect(findings[0]).toMatchObject({ code: "changed" });
  expect(findings[0]?.what).toContain(file);
  expect(proven).toBeGreaterThan(0);
});

test("a tree file that is lost or wrong proves nothing against the lines", () => {
  edit(`${path}.tree`, (bytes) =>
    Buffer.from(bytes.toString().replaceAll('"hashes":["', '"hashes":["A')),
  );
  expect(held().findings).toEqual([]);
  rmSync(`${path}.tree`);
  expect(held()).toMatchObject({ findings: [] });
});

test("what was kept must be a checkpoint of this log; without one and a key there is nothing to hold it against", () => {
  expect(codes(held(""))).toEqual(["checkpoint_invalid"]);
  expect(codes(held("junk\n"))).toEqual(["checkpoint_invalid"]);
  const other = noteVerifier("example.com/other", publicKey);
  expect(codes(verifyRecord(path, { kept, key: other }))).toContain("checkpoint_invalid");
  expect(() => verifyRecord(path, {})).toThrow(TypeError);
  // Signed by the key, in its own name, and the text is of another log.
  const mixed = noteSigner(options.origin, key).sign(
    kept.split("\n\n")[0]!.replace("audit", "x") + "\n",
  );
  expect(codes(held(mixed))).toContain("checkpoint_invalid");
  expect(codes(held(noteSigner(options.origin, key).sign(`${kept.split("\n\n")[0]}\n`)))).toEqual(
    [],
  );
});

test("bytes put before a line are found, though the journal was changed to pass over them", () => {
  interface Line {
    readonly file?: string;
    start: number;
    end: number;
  }
  const journal = `${path}.tree`;
  const lines = readFileSync(journal, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const extents = lines.filter(({ file }) => file !== undefined);
  const [before] = extents.filter(({ file }, at) =>
    extents.slice(at + 1).some((later) => later.file === file),
  );
  if (before === undefined) throw new Error("no file has two extents");
  const target = files().find((file) => {
    const [first = ""] = readFileSync(file, "utf8").split("\n");
    return leafHash(Buffer.from(first)).toString("base64") === before.file;
  });
  const put = Buffer.from("put in");
  edit(target ?? "", (bytes) =>
    Buffer.concat([bytes.subarray(0, before.end), put, bytes.subarray(before.end)]),
  );
  const later = extents.slice(extents.indexOf(before) + 1);
  for (const one of later.filter(({ file }) => file === before.file)) {
    one.start += put.length;
    one.end += put.length;
  }
  before.end += put.length;
  writeFileSync(journal, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  expect(codes(held())).toContain("changed");
});
