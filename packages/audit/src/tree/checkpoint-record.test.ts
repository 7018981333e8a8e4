import {
  appendFileSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { segmentsOf } from "@agent-keys/core/audit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { transmuteRoot } from "../../test/not-ours.ts";
import { signingPair, temporaryDirectory, writerTo } from "../../test/record.ts";
import { noteVerifier } from "../note/note.ts";
import { checkpointFile, openCheckpointer } from "./checkpoint-record.ts";
import { verifyRecord } from "./verify-record.ts";

const { key, publicKey } = signingPair();
const origin = "example.com/audit";
const options = { key, origin };
const verifier = noteVerifier(origin, publicKey);
let directory: ReturnType<typeof temporaryDirectory>;
let path: string;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory.path, "audit.jsonl");
});
afterEach(() => directory[Symbol.dispose]());

const linesOf = (file: string): Buffer[] => {
  const text = readFileSync(file, "latin1");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => Buffer.from(line, "latin1"));
};
const proven = (kept?: string): ReturnType<typeof verifyRecord> =>
  verifyRecord(path, { kept, key: verifier });

test("a checkpoint is over every whole line, as another implementation builds the tree", async () => {
  using writer = writerTo(path);
  writer.calls(20);
  const made = await checkpointFile(path, options);
  expect(made).toMatchObject({ origin, size: 41 });
  expect(made?.root).toEqual(await transmuteRoot(linesOf(path)));
  expect(readFileSync(`${path}.checkpoints`, "utf8")).toBe(`${made?.envelope}\n`);
  for (const file of [`${path}.checkpoints`, `${path}.tree`]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  expect(proven()).toEqual({ lines: 41, proven: 41, removed: 0, findings: [] });
});

test("the next one reads on, the same one is not signed again, and an empty record has none", async () => {
  expect(await checkpointFile(path, options)).toBeUndefined();
  using writer = writerTo(path);
  writer.calls(3);
  const first = await checkpointFile(path, options);
  expect(await checkpointFile(path, options)).toEqual(first);
  writer.calls(300);
  const second = await checkpointFile(path, options);
  expect(second?.root).toEqual(await transmuteRoot(linesOf(path)));
  expect(readFileSync(`${path}.tree`, "utf8").match(/"from"/g)).toHaveLength(2);
  expect(proven(first?.envelope)).toMatchObject({ findings: [], proven: 607 });
});

test("what is not a whole line yet is left for the next", async () => {
  using writer = writerTo(path);
  writer.calls(1);
  appendFileSync(path, '{"v":1,"wri');
  expect((await checkpointFile(path, options))?.size).toBe(3);
  using other = writerTo(path);
  other.calls(1);
  const next = await checkpointFile(path, options);
  expect(next?.size).toBe(linesOf(path).length);
  expect(proven().findings).toEqual([]);
});

test("lines of any bytes and any length are leaves, empty ones too", async () => {
  const lines = [Buffer.alloc(3_000_000, "x"), Buffer.alloc(0), Buffer.from([0xff, 0xfe, 0])];
  lines.push(Buffer.alloc(1024 * 1024, "y"), Buffer.alloc(1024 * 1024 - 1, "z"));
  writeFileSync(path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
  const made = await checkpointFile(path, options);
  expect(made?.size).toBe(5);
  expect(made?.root).toEqual(await transmuteRoot(lines));
});

test("the default origin is the record's own, and stays", async () => {
  using writer = writerTo(path);
  writer.calls(1);
  const first = await checkpointFile(path, { key });
  expect(first?.origin).toMatch(/^agent-keys\/[0-9a-f]{16}$/);
  writer.calls(1);
  expect((await checkpointFile(path, { key }))?.origin).toBe(first?.origin);
});

describe("with several writers, and segments", () => {
  test("a checkpoint before, between and after rotations holds, and lines that come late do too", async () => {
    using rotating = writerTo(path, { maxBytes: 20_000 });
    using other = writerTo(path);
    using checkpointer = openCheckpointer(path, options);
    const kept: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      rotating.calls(3);
      other.calls(2);
      const put = segmentsOf(path).at(-1);
      // As by a process that stood still between looking at the file's name and writing.
      if (put !== undefined) appendFileSync(put, `late ${round}\n`);
      const made = await checkpointer.checkpoint();
      kept.push(made?.envelope ?? "");
    }
    const journal = readFileSync(`${path}.tree`, "utf8").trimEnd().split("\n");
    const extents = journal.filter((line) => line.includes('"from"'));
    const files = extents.map((line) => (JSON.parse(line) as { file: string }).file);
    expect(segmentsOf(path).length).toBeGreaterThan(3);
    // Late ones: a file comes again behind a newer one.
    const isLate = files.some(
      (file, index) => file !== files[index - 1] && files.indexOf(file) < index,
    );
    expect(isLate).toBe(true);
    for (const one of kept.filter((_, at) => at % 4 === 0))
      expect(proven(one).findings).toEqual([]);
    expect(proven(kept.join("\n"))).toMatchObject({ removed: 0, findings: [] });
  }, 60_000);

  test("segments that are removed as the record says leave kept checkpoints valid", async () => {
    using rotating = writerTo(path, { maxBytes: 10_000, keep: 2 });
    using checkpointer = openCheckpointer(path, options);
    const kept: string[] = [];
    let lines = 0;
    for (let round = 0; round < 40; round += 1) {
      rotating.calls(4);
      const made = await checkpointer.checkpoint();
      lines = made?.size ?? 0;
      kept.push(made?.envelope ?? "");
    }
    expect(segmentsOf(path)).toHaveLength(2);
    for (const one of [kept[0], kept[10], kept.at(-1)]) {
      const report = proven(one);
      expect(report).toMatchObject({ findings: [], lines, proven: lines });
      expect(report.removed).toBeGreaterThan(lines / 2);
    }
    // Without the key nobody vouches for where the lines stood that are gone.
    const { findings } = verifyRecord(path, { kept: kept[0] });
    expect(findings.map(({ code }) => code)).toContain("file_missing");
    // Whoever takes another file out, and says in the tree file that it was as old, is found.
    const journal = readFileSync(`${path}.tree`, "utf8");
    const [first = ""] = /"begun":"[^"]+"/.exec(journal) ?? [];
    writeFileSync(`${path}.tree`, journal.replaceAll(/"begun":"[^"]+"/g, first));
    rmSync(segmentsOf(path)[0] ?? "");
    expect(proven(kept.at(-1)).findings.map(({ code }) => code)).toContain("file_missing");
  });

  test("several processes that checkpoint at once sign one tree", async () => {
    using writer = writerTo(path, { maxBytes: 30_000 });
    const checkpointers = [1, 2, 3, 4].map(() => openCheckpointer(path, options));
    for (let round = 0; round < 12; round += 1) {
      writer.calls(40);
      const racing = checkpointers.map((one) => one.checkpoint());
      writer.calls(3);
      await Promise.all(racing);
    }
    for (const one of checkpointers) one[Symbol.dispose]();
    const { findings, lines, proven: upTo } = proven();
    expect(findings).toEqual([]);
    expect(upTo).toBeGreaterThan(lines - 200);
  });
});

describe("nothing is signed when", () => {
  test("the record was cut off", async () => {
    using writer = writerTo(path);
    writer.calls(10);
    const made = await checkpointFile(path, options);
    truncateSync(path, statSync(path).size - 30);
    await expect(checkpointFile(path, options)).rejects.toThrow("cut off");
    expect(readFileSync(`${path}.checkpoints`, "utf8")).toBe(`${made?.envelope}\n`);
  });

  test("the tree file is gone, or not the one that was signed", async () => {
    using writer = writerTo(path);
    writer.calls(10);
    await checkpointFile(path, options);
    const journal = readFileSync(`${path}.tree`, "utf8");
    writeFileSync(`${path}.tree`, journal.replace(/"hashes":\["./, '"hashes":["_'));
    await expect(checkpointFile(path, options)).rejects.toThrow(/\.tree file/);
    const [first = ""] = /"hashes":\["./.exec(journal) ?? [];
    const otherHash = first.endsWith("A") ? '"hashes":["B' : '"hashes":["A';
    writeFileSync(`${path}.tree`, journal.replace(first, otherHash));
    await expect(checkpointFile(path, options)).rejects.toThrow("does not lead to what was signed");
    writeFileSync(`${path}.tree`, "");
    await expect(checkpointFile(path, options)).rejects.toThrow(/\.tree file/);
  });

  test("the key or the origin is another", async () => {
    using writer = writerTo(path);
    writer.calls(10);
    await checkpointFile(path, options);
    writer.calls(10);
    await expect(checkpointFile(path, { ...options, key: signingPair().key })).rejects.toThrow(
      "not signed by this key",
    );
    await expect(checkpointFile(path, { key, origin: "example.com/other" })).rejects.toThrow(
      "not of example.com/other",
    );
    expect(readFileSync(`${path}.checkpoints`, "utf8").match(/^— /gm)).toHaveLength(1);
  });
});

test("a line that a crash left torn in the tree file is passed over", async () => {
  using writer = writerTo(path);
  writer.calls(10);
  const first = await checkpointFile(path, options);
  appendFileSync(`${path}.tree`, '{"v":1,"from":21,"to":');
  writer.calls(10);
  expect((await checkpointFile(path, options))?.size).toBe(41);
  expect(proven(first?.envelope).findings).toEqual([]);
  expect(basename(path)).toBe("audit.jsonl");
});

describe("a checkpointer that is running says so, and signs nothing, when", () => {
  test.each([".tree", ".checkpoints"])("%s is deleted or cut off under it", async (suffix) => {
    for (const change of [rmSync, truncateSync]) {
      using writer = writerTo(path);
      using checkpointer = openCheckpointer(path, options);
      writer.calls(3);
      await checkpointer.checkpoint();
      const other = readFileSync(`${path}${suffix === ".tree" ? ".checkpoints" : ".tree"}`);
      change(`${path}${suffix}`);
      writer.calls(3);
      await expect(checkpointer.checkpoint()).rejects.toThrow(/was (deleted|cut off)/);
      expect(readFileSync(`${path}${suffix === ".tree" ? ".checkpoints" : ".tree"}`)).toEqual(
        other,
      );
      for (const file of [".tree", ".checkpoints", ""]) rmSync(`${path}${file}`, { force: true });
    }
  });
});
