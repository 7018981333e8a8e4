import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { createAgentKeys } from "../agent-keys.ts";
import type { AuditEvent } from "./event.ts";
import { fileSink } from "./file-sink.ts";
import { parseLine } from "./read-file.ts";
import type { FileSinkOptions } from "./rotation.ts";
import { nextSegment, segmentsOf } from "./segments.ts";
import { verifyChains } from "./verify-chains.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-rotation-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function freshPath(): string {
  files += 1;
  return join(directory, `audit-${files}.jsonl`);
}

function keysOn(path: string, options?: FileSinkOptions) {
  return createAgentKeys({ agent: "bot", policy: "allow-all", audit: fileSink(path, options) });
}

function eventsOf(path: string): AuditEvent[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => parseLine(line) ?? []);
}

/** All that is left of a record, whatever it is called now. */
function record(path: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(basename(path)))
    .map((name) => join(directory, name));
}

function verify(paths: readonly string[]) {
  return verifyChains(paths.map((path) => ({ name: path, chunks: [readFileSync(path)] })));
}

function mintedIn(paths: readonly string[]): unknown[] {
  return paths
    .flatMap(eventsOf)
    .flatMap((event) => (event.type === "key.minted" ? (event.scopes[0] ?? "") : []));
}

describe("options", () => {
  test.each<[unknown, string]>([
    [{ maxBytes: 4095 }, "fileSink: maxBytes must be a whole number, 4096 or more"],
    [{ maxBytes: Infinity }, "fileSink: maxBytes must be a whole number, 4096 or more"],
    [{ maxBytes: "10MB" }, "fileSink: maxBytes must be a whole number, 4096 or more"],
    [{ maxBytes: 4096, keep: 0 }, "fileSink: keep must be a whole number, 1 or more"],
    [{ maxBytes: 4096, keep: 1.5 }, "fileSink: keep must be a whole number, 1 or more"],
    [{ keep: 3 }, "fileSink: keep needs maxBytes"],
    [{ maxSize: 4096 }, "fileSink: there is no option maxSize"],
    [null, "fileSink: options must be an object, such as { maxBytes: 100_000_000 }"],
  ])("that are wrong are refused at once: %j", (options, message) => {
    expect(() => fileSink(freshPath(), options as FileSinkOptions)).toThrow(new TypeError(message));
  });

  test("maxBytes on a link stops keys, since renaming would move the link alone", () => {
    const path = freshPath();
    writeFileSync(`${path}.real`, "");
    symlinkSync(`${path}.real`, path);
    expect(() => keysOn(path, { maxBytes: 4096 }).mint("a:b")).toThrow(
      expect.objectContaining({ code: "audit_unavailable" }),
    );
    keysOn(path).mint("a:b");
    expect(mintedIn([`${path}.real`])).toEqual(["a:b"]);
  });
});

describe("a file that would grow over maxBytes", () => {
  test("is put aside, whole lines only, and each writer's chain goes on in the next", () => {
    const path = freshPath();
    const keys = keysOn(path, { maxBytes: 4096 });
    for (let call = 0; call < 40; call += 1) keys.mint(`a:s${call}`).close();
    const segments = segmentsOf(path);
    expect(segments.length).toBeGreaterThan(5);
    for (const segment of segments) {
      expect(statSync(segment).size).toBeLessThanOrEqual(4096);
      expect(statSync(segment).mode & 0o777).toBe(0o600);
      expect(readFileSync(segment, "utf8").endsWith("\n")).toBe(true);
    }
    expect([...segments, path].map((file) => eventsOf(file)[0])).toMatchObject([
      { type: "audit.opened", seq: 0 },
      ...segments.map((left) => ({ type: "audit.rotated", from: basename(left) })),
    ]);
    expect(mintedIn([...segments, path])).toEqual(
      Array.from({ length: 40 }, (_, at) => `a:s${at}`),
    );
    const report = verify([path, ...segments.toReversed()]);
    expect(report).toMatchObject({ damageCount: 0, noteCount: 0, writers: 1 });
    // In each order, and not when a segment is not there.
    expect(verify([...segments, path]).heads).toEqual(report.heads);
    expect(verify([segments[0]!, ...segments.slice(2), path]).damage[0]?.code).toBe(
      "missing_before",
    );
    expect(verify([...segments.slice(1), path]).damage[0]?.code).toBe("head_missing");
  });

  test("is begun by a line that is longer than that all the same", () => {
    const path = freshPath();
    const keys = keysOn(path, { maxBytes: 4096 });
    for (const ticket of ["x".repeat(1000), "y".repeat(10)]) {
      const where = Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [name, ticket]));
      for (let call = 0; call < 3; call += 1) keys.mint({ scope: "a:b", where }).close();
    }
    expect(verify(record(path))).toMatchObject({ damageCount: 0 });
    expect(mintedIn(record(path))).toHaveLength(6);
  });

  test("is read back across its segments", async () => {
    const path = freshPath();
    const keys = keysOn(path, { maxBytes: 4096 });
    for (let call = 0; call < 40; call += 1) keys.mint(`a:s${call}`).close();
    const logs = await keys.logs({ limit: 60 });
    expect(logs).toHaveLength(60);
    expect(logs.map(({ seq }) => seq)).toEqual(logs.map((_, at) => logs[0]!.seq + at));
    expect(await keys.logs()).toEqual([...segmentsOf(path), path].flatMap(eventsOf));
  });

  test("is found full by another writer of this process, which moves on as well", () => {
    const path = freshPath();
    const writers = [1, 2, 3].map(() => keysOn(path, { maxBytes: 4096 }));
    const idle = keysOn(path, { maxBytes: 4096 });
    idle.mint("a:idle-before");
    for (let call = 0; call < 60; call += 1) writers[call % 3]!.mint(`a:s${call}`).close();
    idle.mint("a:idle-after");
    const report = verify(record(path));
    expect(report).toMatchObject({ damageCount: 0, writers: 4 });
    expect(mintedIn(record(path))).toHaveLength(62);
    // What woke up writes into the file of now.
    expect(mintedIn([path])).toContain("a:idle-after");
  });
});

describe("names of segments", () => {
  test("sort by age, also within an instant, and when the clock was set back", () => {
    const path = freshPath();
    const names: string[] = [];
    const now = Date.UTC(2026, 10, 23);
    for (const at of [now, now, now, now - 60_000, now + 5, now + 1]) {
      names.push(nextSegment(path, names.toSorted(), at));
    }
    expect(names.toSorted()).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) writeFileSync(name, "");
    writeFileSync(`${path}.1`, "");
    writeFileSync(`${path}-other.jsonl`, "");
    expect(segmentsOf(path)).toEqual(names);
  });
});

describe("keep", () => {
  test("removes the oldest, never the newest nor what is not its own, and says so on record", () => {
    const path = freshPath();
    writeFileSync(`${path}.1`, "somebody else's\n");
    const keys = keysOn(path, { maxBytes: 4096, keep: 2 });
    for (let call = 0; call < 60; call += 1) keys.mint(`a:s${call}`).close();
    const segments = segmentsOf(path);
    expect(segments).toHaveLength(2);
    expect(readFileSync(`${path}.1`, "utf8")).toBe("somebody else's\n");
    expect(mintedIn([...segments, path]).at(-1)).toBe("a:s59");
    const report = verify([path, ...segments]);
    expect(report.damage).toEqual([]);
    expect(report.notes).toMatchObject([{ code: "removed", line: 1 }]);
    // One more that is gone is not one that was removed as it should be.
    expect(verify([path, segments[1]!]).damage).toMatchObject([{ code: "head_missing" }]);
    expect(verify([path, segments[0]!]).damage).toMatchObject([{ code: "missing_before" }]);
  });

  test("of fewer than there are removes the rest, and a writer that slept through it goes on", () => {
    const path = freshPath();
    const idle = keysOn(path, { maxBytes: 4096 });
    idle.mint("a:slept");
    const many = keysOn(path, { maxBytes: 4096 });
    for (let call = 0; call < 60; call += 1) many.mint("a:b").close();
    expect(segmentsOf(path).length).toBeGreaterThan(8);
    const keys = keysOn(path, { maxBytes: 4096, keep: 1 });
    for (let call = 0; call < 10; call += 1) keys.mint("a:b").close();
    expect(segmentsOf(path)).toHaveLength(1);
    idle.mint("a:woke");
    expect(mintedIn([path])).toContain("a:woke");
    const report = verify([path, ...segmentsOf(path)]);
    expect(report.damage).toEqual([]);
    const woken = eventsOf(path).find((event) => event.type === "audit.rotated" && event.deleted);
    expect(woken).toMatchObject({ from: basename(path), seq: 2 });
    expect(report.notes.find(({ writer }) => writer === woken!.writer)).toMatchObject({
      code: "removed",
    });
  });
});

describe("a file that something else", () => {
  test("renamed is noticed within 10 ms, and nothing is lost", async () => {
    const path = freshPath();
    const keys = keysOn(path);
    keys.mint("a:before");
    renameSync(path, `${path}.1`);
    keys.mint("a:meanwhile");
    await wait(11);
    keys.mint("a:after");
    expect(mintedIn([path]).at(-1)).toBe("a:after");
    expect(mintedIn([`${path}.1`, path])).toEqual(["a:before", "a:meanwhile", "a:after"]);
    expect(eventsOf(path)[0]).toMatchObject({ type: "audit.rotated", from: `${basename(path)}.1` });
    expect(verify([`${path}.1`, path])).toMatchObject({ damageCount: 0, noteCount: 0 });
  });

  test("renamed and made again is noticed as well", async () => {
    const path = freshPath();
    const keys = keysOn(path);
    keys.mint("a:before");
    renameSync(path, `${path}.1`);
    writeFileSync(path, "");
    await wait(11);
    keys.mint("a:after");
    expect(mintedIn([path])).toEqual(["a:after"]);
    expect(verify(record(path))).toMatchObject({ damageCount: 0, writers: 1 });
  });

  test.each([
    ["at once", 0],
    ["later", 11],
  ])("deleted swallows no event: %s", async (_, ms) => {
    const path = freshPath();
    const keys = keysOn(path);
    const before = keys.mint("a:before");
    unlinkSync(path);
    await wait(ms);
    before.close();
    expect(existsSync(path)).toBe(true);
    keys.mint("a:after").close();
    const types = eventsOf(path).map(({ type }) => type);
    expect(types.toSorted()).toEqual(["audit.rotated", "key.closed", "key.closed", "key.minted"]);
    expect(eventsOf(path)).toContainEqual(
      expect.objectContaining({ type: "audit.rotated", deleted: true, from: basename(path) }),
    );
    // It is on record, and it is damage all the same: nobody said that it was to be removed.
    expect(verify([path]).damage).toMatchObject([{ code: "head_missing" }]);
  });

  test("deleted with its directory stops keys", () => {
    const inner = mkdtempSync(join(directory, "gone-"));
    const keys = keysOn(join(inner, "audit.jsonl"));
    const key = keys.mint("a:before");
    rmSync(inner, { recursive: true });
    expect(() => keys.mint("a:after")).toThrow(
      expect.objectContaining({ code: "audit_unavailable" }),
    );
    expect(() => key.close()).not.toThrow();
  });
});

test("a line that stands behind another's torn one is reported by the writer that finds it", () => {
  const path = freshPath();
  const keys = keysOn(path);
  keys.mint("a:before");
  const torn = readFileSync(path, "utf8").slice(0, 60);
  writeFileSync(path, torn, { flag: "a" });
  keys.mint("a:behind");
  keys.mint("a:after");
  expect(mintedIn([path])).toEqual(["a:before", "a:behind", "a:after"]);
  expect(verify([path])).toMatchObject({ damageCount: 0, notes: [{ code: "torn" }] });
});

test("processes that rotate one file at once lose no event and no segment", async () => {
  const path = freshPath();
  const script = `
    const keys = createAgentKeys({ agent: "bot-" + process.argv[1], policy: "allow-all",
      audit: fileSink(${JSON.stringify(path)}, { maxBytes: 4096 }) });
    for (let i = 0; i < 400; i += 1) keys.mint("a:w" + process.argv[1] + "-" + i).close();
    `;
  const children = ["1", "2", "3"].map((name) => runScript(script, name));
  const exits = await Promise.all(children.map((child) => once(child, "exit")));
  expect(exits).toEqual([0, 0, 0].map((code) => [code, null]));
  const report = verify(record(path));
  expect(report.damage).toEqual([]);
  expect(report).toMatchObject({ writers: 3, noteCount: 0 });
  const minted = mintedIn(record(path));
  expect(minted).toHaveLength(1200);
  expect(new Set(minted).size).toBe(1200);
  expect(segmentsOf(path).length).toBeGreaterThan(100);
});

test("processes that rotate and remove leave what verifies, and no more than they keep", async () => {
  const path = freshPath();
  const script = `
    const keys = createAgentKeys({ agent: "bot-" + process.argv[1], policy: "allow-all",
      audit: fileSink(${JSON.stringify(path)}, { maxBytes: 4096, keep: 2 }) });
    for (let i = 0; i < 300; i += 1) keys.mint("a:w" + process.argv[1] + "-" + i).close();
    `;
  const children = ["1", "2", "3"].map((name) => runScript(script, name));
  const exits = await Promise.all(children.map((child) => once(child, "exit")));
  expect(exits).toEqual([0, 0, 0].map((code) => [code, null]));
  expect(segmentsOf(path)).toHaveLength(2);
  const { damage, notes } = verify(record(path));
  expect(damage).toEqual([]);
  expect(notes.filter(({ code }) => code !== "removed")).toEqual([]);
});

/** Runs a module on the sources in a process of its own. */
function runScript(body: string, ...args: string[]): ChildProcess {
  const source = (file: string) => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  const script = `
    import { createAgentKeys } from ${source("../agent-keys.ts")};
    import { fileSink } from ${source("./file-sink.ts")};
    ${body}
  `;
  const node = ["--conditions=@agent-keys/source", "--input-type=module", "-e", script, ...args];
  return spawn(process.execPath, node, { stdio: ["ignore", "inherit", "inherit"] });
}
