import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { testKeys } from "../testing/index.ts";
import { parseLine, readEvent, readLinesBackward } from "./read-file.ts";
import { lineSplitter, MAX_LINE_BYTES, splitLines } from "./split-lines.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-read-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(directory, "lines");
  writeFileSync(path, content);
  return path;
}

const CHUNK_BYTES = 64 * 1024;

describe("reading lines backward", () => {
  test.each([
    ["nothing", "", []],
    ["only newlines", "\n\n\n", []],
    ["one line without an end", "a", ["a"]],
    ["an empty line between", "a\n\nb\n", ["b", "a"]],
    [
      "a character across two chunks",
      `ü\n${"x".repeat(CHUNK_BYTES - 2)}\n`,
      ["x".repeat(CHUNK_BYTES - 2), "ü"],
    ],
    [
      "a newline at a chunk's edge",
      `a\n${"y".repeat(CHUNK_BYTES - 1)}`,
      ["y".repeat(CHUNK_BYTES - 1), "a"],
    ],
    ["a line over three chunks", `a\n${"z".repeat(150_000)}\nb`, ["b", "z".repeat(150_000), "a"]],
  ])("%s", (_what, content, lines) => {
    expect([...readLinesBackward(file(content))]).toEqual(lines);
  });

  test("gives the end of an overlong line, and the lines around it whole", () => {
    const content = `first\n${"x".repeat(3 * MAX_LINE_BYTES)}tail\nlast\n`;
    const [last, long, first, ...more] = readLinesBackward(file(content));
    expect([last, first, more]).toEqual(["last", "first", []]);
    expect(long).toMatch(/^x+tail$/);
    expect(long!.length).toBeGreaterThanOrEqual(MAX_LINE_BYTES);
    expect(long!.length).toBeLessThan(MAX_LINE_BYTES + 2 * CHUNK_BYTES);
  });

  test("begins where it is told to", () => {
    expect([...readLinesBackward(file("a\nb\nc\n"), 4)]).toEqual(["b", "a"]);
  });

  test("finds nothing in a file that is not there", () => {
    expect([...readLinesBackward(join(directory, "missing"))]).toEqual([]);
  });
});

describe("reading lines forward", () => {
  test.each([1, 2, 5, 1_000])("gives each line and its place, in chunks of %i", (chunkBytes) => {
    const bytes = Buffer.from("ab\n\nüc\nrest");
    const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, at) =>
      bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
    );
    const lines = [...splitLines(chunks)].map((line) => ({ ...line, bytes: String(line.bytes) }));
    expect(lines).toEqual([
      { bytes: "ab", byte: 0, cutBytes: 0, ended: true },
      { bytes: "", byte: 3, cutBytes: 0, ended: true },
      { bytes: "üc", byte: 4, cutBytes: 0, ended: true },
      { bytes: "rest", byte: 8, cutBytes: 0, ended: false },
    ]);
  });

  test("keeps the end of an overlong line, and says how much it left out", () => {
    const chunk = Buffer.alloc(CHUNK_BYTES, "x");
    const splitter = lineSplitter();
    for (let count = 0; count < 80; count += 1) splitter.push(chunk);
    const [line, next] = splitter.push(Buffer.from("end\nnext\n"));
    const total = 80 * CHUNK_BYTES + 3;
    expect(line!.bytes.length).toBe(MAX_LINE_BYTES);
    expect(line).toMatchObject({ byte: total - MAX_LINE_BYTES, cutBytes: total - MAX_LINE_BYTES });
    expect(next).toMatchObject({ byte: total + 1, cutBytes: 0 });
  });

  test("keeps what it holds when the reader fills its buffer again", () => {
    const buffer = Buffer.from("abc");
    const splitter = lineSplitter();
    splitter.push(buffer);
    buffer.fill("?");
    expect(splitter.push(Buffer.from("d\n")).map(({ bytes }) => String(bytes))).toEqual(["abcd"]);
  });
});

describe("reading an event", () => {
  const keys = testKeys();
  keys.mint({ scope: "tickets:read", where: { v: 1, writer: "w" } }).close();
  const [event] = keys.events;
  const line = JSON.stringify(event);

  test("alone on its line", () => {
    expect(readEvent(line)).toEqual({ event, line });
  });

  test("behind a torn one, though it constrains a value called v", () => {
    expect(readEvent(`${line.slice(0, 90)}${line}`)).toEqual({ event, line });
    expect(readEvent(`${line.slice(0, 20)}${line.slice(0, 200)}${line}`)).toEqual({ event, line });
  });

  test.each([
    ["nothing", ""],
    ["another version", line.replace('{"v":1', '{"v":2')],
    ["an unknown member", line.replace('{"v":1', '{"w":1,"v":1')],
    ["a torn line", line.slice(0, -1)],
    ["deep nesting", "[".repeat(1_000_000)],
    ["many beginnings", '{"v":1,"writer":"x","y":'.repeat(40_000)],
  ])("not on a line with %s", (_what, text) => {
    expect(parseLine(text)).toBeUndefined();
  });
});
