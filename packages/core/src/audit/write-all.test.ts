import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { lineWriter, writeAll } from "./write-all.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-write-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("a text is written whole, in bytes, and its progress is told", () => {
  const path = join(directory, "whole");
  const fd = openSync(path, "w");
  const progress: number[] = [];
  writeAll(fd, "€uro\n", (bytes) => progress.push(bytes));
  writeAll(fd, "");
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe("€uro\n");
  expect(progress).toEqual([7]);
});

test("what the system refuses is thrown", () => {
  const fd = openSync(join(directory, "closed"), "w");
  closeSync(fd);
  expect(() => writeAll(fd, "x")).toThrow(expect.objectContaining({ code: "EBADF" }));
});

test("lines end with a newline each", () => {
  const path = join(directory, "lines");
  const fd = openSync(path, "w");
  const write = lineWriter(fd);
  write("one");
  write("two");
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
});

/** Runs a module that writes to its stdout, a pipe that never blocks, and speaks over IPC. */
function writer(body: string): ChildProcess {
  const source = JSON.stringify(fileURLToPath(new URL("./write-all.ts", import.meta.url)));
  const script = `
    import { lineWriter, writeAll } from ${source};
    // As soon as it is looked at, Node sets a pipe to return EAGAIN where it would block.
    process.stdout.isTTY;
    ${body}
  `;
  const node = ["--conditions=@agent-keys/source", "--input-type=module", "-e", script];
  return spawn(process.execPath, node, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
}

test("a slow reader is waited for, and gets everything", async () => {
  const child = writer(`
    process.send("writing");
    writeAll(1, "x".repeat(2_000_000) + "end");
    process.disconnect();
  `);
  await once(child, "message");
  await wait(200);
  const read = await text(child.stdout!);
  expect(read).toHaveLength(2_000_003);
  expect(read.endsWith("end")).toBe(true);
});

test("a stuck reader is not waited for longer than a second, and the next line is one of its own", async () => {
  const child = writer(`
    const write = lineWriter(1);
    const started = performance.now();
    let code;
    try { write("x".repeat(2_000_000)); } catch (error) { code = error.code; }
    process.send({ code, ms: performance.now() - started });
    process.once("message", () => {
      write("next");
      write("last");
      process.disconnect();
    });
  `);
  const [report] = (await once(child, "message")) as [{ code: string; ms: number }];
  expect(report.code).toBe("EAGAIN");
  expect(report.ms).toBeGreaterThan(900);
  expect(report.ms).toBeLessThan(3_000);
  const all = text(child.stdout!);
  child.send("read");
  const lines = (await all).split("\n");
  expect(lines.slice(1)).toEqual(["next", "last", ""]);
  expect(lines[0]).toMatch(/^x+$/);
  expect(lines[0]!.length).toBeLessThan(2_000_000);
});
