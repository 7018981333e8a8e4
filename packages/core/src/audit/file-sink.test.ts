import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { createAgentKeys } from "../agent-keys.ts";
import { memorySink } from "./memory-sink.ts";
import { fileSink } from "./file-sink.ts";
import type { AuditEvent } from "./event.ts";
import { parseLine } from "./read-file.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-file-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function freshPath(): string {
  files += 1;
  return join(directory, `audit-${files}.jsonl`);
}

function keysOn(path: string) {
  return createAgentKeys({ agent: "bot", policy: "allow-all", audit: fileSink(path) });
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").split("\n");
}

function eventsOf(path: string): AuditEvent[] {
  return linesOf(path).flatMap((line) => parseLine(line) ?? []);
}

/** Every writer's lines follow each other by number and by hash. */
function expectChains(events: readonly AuditEvent[]): void {
  for (const writer of new Set(events.map((event) => event.writer))) {
    const own = events.filter((event) => event.writer === writer);
    expect(own.map(({ seq }) => seq)).toEqual(own.map((_, index) => index));
    expect(own.slice(1).map(({ prev }) => prev)).toEqual(own.slice(0, -1).map(({ hash }) => hash));
  }
}

describe("the file", () => {
  test("is made at the first event, for its owner alone, a line an event", () => {
    const path = freshPath();
    const keys = keysOn(path);
    expect(existsSync(path)).toBe(false);
    keys.mint("a:b").close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const types = eventsOf(path).map(({ type }) => type);
    expect(types).toEqual(["audit.opened", "key.minted", "key.closed"]);
    expect(linesOf(path).at(-1)).toBe("");
    expect(eventsOf(path)[0]).toMatchObject({ pid: process.pid });
  });

  test("is appended to, also by what opened it before it grew", () => {
    const path = freshPath();
    const [one, two] = [keysOn(path), keysOn(path)];
    one.mint("a:one");
    two.mint("a:two");
    one.mint("a:three");
    const scopes = eventsOf(path).flatMap((event) =>
      event.type === "key.minted" ? event.scopes : [],
    );
    expect(scopes).toEqual(["a:one", "a:two", "a:three"]);
    expectChains(eventsOf(path));
  });

  test("is named relative to the working directory of when the sink was made", () => {
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(directory);
    const sink = fileSink("relative.jsonl");
    cwd.mockRestore();
    createAgentKeys({ agent: "bot", policy: "allow-all", audit: sink }).mint("a:b");
    expect(eventsOf(join(directory, "relative.jsonl"))).toHaveLength(2);
    for (const path of ["", undefined, 7]) {
      expect(() => fileSink(path as string)).toThrow(new TypeError("fileSink: path is missing"));
    }
  });

  test("that was disposed of is opened again, with the same chain, and says so", () => {
    const path = freshPath();
    const sink = fileSink(path);
    const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: sink });
    keys.mint("a:b");
    sink[Symbol.dispose]();
    sink[Symbol.dispose]();
    renameSync(path, `${path}.old`);
    keys.mint("a:c");
    expect(eventsOf(path).map(({ type, seq }) => [type, seq])).toEqual([
      ["audit.opened", 2],
      ["key.minted", 3],
    ]);
    expectChains([...eventsOf(`${path}.old`), ...eventsOf(path)]);
  });
});

describe("a torn line", () => {
  test("is ended and reported, never cut off, and nothing after it is lost", () => {
    const path = freshPath();
    keysOn(path).mint("a:before").close();
    const torn = linesOf(path)[1]!.slice(0, 100);
    appendFileSync(path, torn);
    const before = readFileSync(path, "utf8");
    keysOn(path).mint("a:after");
    const after = readFileSync(path, "utf8");
    expect(after.startsWith(`${before}\n`)).toBe(true);
    const added = eventsOf(path).slice(3);
    expect(added.map(({ type }) => type)).toEqual(["audit.opened", "audit.repaired", "key.minted"]);
    expect(added[1]).toMatchObject({ atByte: Buffer.byteLength(before) });
  });

  test("of one byte, or of a file that was never ours, is ended as well", () => {
    const path = freshPath();
    writeFileSync(path, "x");
    keysOn(path).mint("a:b");
    expect(linesOf(path)[0]).toBe("x");
    expect(eventsOf(path).map(({ type }) => type)).toEqual([
      "audit.opened",
      "audit.repaired",
      "key.minted",
    ]);
  });

  test("is not seen where the last line is whole, or the file is empty", () => {
    for (const content of ["", "whole\n"]) {
      const path = freshPath();
      writeFileSync(path, content);
      keysOn(path).mint("a:b");
      expect(eventsOf(path).map(({ type }) => type)).toEqual(["audit.opened", "key.minted"]);
    }
  });

  test("before another writer's event does not hide the event", async () => {
    const path = freshPath();
    const keys = keysOn(path);
    keys.mint("a:b");
    // As when another process dies half way through a line while this one has the file open.
    appendFileSync(path, linesOf(path)[0]!.slice(0, 50));
    keys.mint("a:c");
    const minted = (await keys.logs()).filter(({ type }) => type === "key.minted");
    expect(minted).toMatchObject([{ scopes: ["a:b"] }, { scopes: ["a:c"] }]);
  });
});

describe("a file that cannot be written stops keys:", () => {
  const codeOf = (run: () => unknown): unknown => {
    try {
      run();
      return "done";
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  };

  test("in a directory that is missing, until it is there", () => {
    const path = join(directory, "missing", "audit.jsonl");
    const keys = keysOn(path);
    let error: unknown;
    try {
      keys.mint("a:b");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "audit_unavailable" });
    expect((error as Error).cause).toMatchObject({
      message: `the audit file ${path} cannot be opened (ENOENT); where the disk is read-only, use jsonSink()`,
    });
    mkdirSync(join(directory, "missing"));
    expect(codeOf(() => keys.mint("a:b"))).toBe("done");
    const types = eventsOf(path).map(({ type }) => type);
    expect(types).toEqual(["audit.opened", "key.denied", "key.minted"]);
  });

  test("that is a directory", () => {
    expect(codeOf(() => keysOn(directory).mint("a:b"))).toBe("audit_unavailable");
  });

  test.runIf(existsSync("/dev/full"))("on a disk that is full", () => {
    const other = memorySink();
    const keys = createAgentKeys({
      agent: "b",
      policy: "allow-all",
      audit: [other, fileSink("/dev/full")],
    });
    expect(codeOf(() => keys.mint("a:b"))).toBe("audit_unavailable");
    expect(codeOf(() => keys.mint("a:b"))).toBe("audit_unavailable");
    expect(other.events.filter(({ type }) => type === "key.denied")).toHaveLength(2);
  });

  // The limit of a process's files fills up in the middle of a line, as a disk does.
  test.runIf(process.platform === "linux")(
    "in the middle of a line, which is ended and reported when there is room again",
    async () => {
      const path = freshPath();
      const child = runScript(
        `
        const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: fileSink(${JSON.stringify(path)}) });
        let minted = 0;
        let code;
        while (code === undefined) {
          try { keys.mint("a:b").close(); minted += 1; } catch (error) { code = error.code; }
        }
        try { keys.mint("a:still-full"); } catch (error) { code += " " + error.code; }
        process.send({ minted, code });
        process.once("message", () => { keys.mint("a:room-again"); process.disconnect(); });
        `,
        ["sh", "-c", `trap '' XFSZ; ulimit -S -f 8; exec "$0" "$@"`],
      );
      const [report] = (await once(child, "message")) as [{ minted: number; code: string }];
      expect(report.code).toBe("audit_unavailable audit_unavailable");
      const full = readFileSync(path, "utf8");
      expect(full.endsWith("\n")).toBe(false);
      execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]);
      child.send("room");
      await once(child, "exit");
      const text = readFileSync(path, "utf8");
      expect(text.startsWith(`${full}\n`)).toBe(true);
      const events = eventsOf(path);
      expectChains(events);
      expect(events.find(({ type }) => type === "audit.repaired")).toMatchObject({
        atByte: Buffer.byteLength(full),
      });
      expect(events.at(-1)).toMatchObject({ type: "key.minted", scopes: ["a:room-again"] });
      const count = (type: string) => events.filter((event) => event.type === type).length;
      // Each mint that returned is on record and closed there; each that was refused is denied there.
      expect(count("key.minted") - count("key.denied")).toBeLessThanOrEqual(report.minted + 1);
      expect(count("key.closed")).toBe(report.minted);
      expect(count("key.denied")).toBe(2);
    },
  );
});

test("several processes share a file, each with a chain of its own and no line broken", async () => {
  const path = freshPath();
  const script = `
    const keys = createAgentKeys({ agent: "bot-" + process.pid, policy: "allow-all", audit: fileSink(${JSON.stringify(path)}) });
    for (let i = 0; i < 300; i += 1) keys.mint({ scope: "a:b", where: { text: "ü".repeat(i) } }).close();
    `;
  const children = [runScript(script), runScript(script), runScript(script)];
  const exits = await Promise.all(children.map((child) => once(child, "exit")));
  expect(exits).toEqual([
    [0, null],
    [0, null],
    [0, null],
  ]);
  expect(linesOf(path).filter((line) => line !== "" && parseLine(line) === undefined)).toEqual([]);
  const events = eventsOf(path);
  expect(events).toHaveLength(3 * 601);
  expect(new Set(events.map(({ writer }) => writer)).size).toBe(3);
  expectChains(events);
});

test("a process that is killed loses no event that was accepted", async () => {
  const path = freshPath();
  const child = runScript(`
    const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: fileSink(${JSON.stringify(path)}) });
    for (let i = 1; ; i += 1) {
      keys.mint("a:b");
      if (i === 500) process.send(i);
    }
    `);
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "exit");
  const events = eventsOf(path);
  expect(events.length).toBeGreaterThan(500);
  expectChains(events);
});

describe("reading back", () => {
  test("gives the newest, oldest first, by number, time and tool, past what is damaged", () => {
    const path = freshPath();
    const sink = fileSink(path);
    let now = Date.UTC(2026, 0, 1);
    const audit = { agent: "bot", policy: "allow-all", audit: sink, now: () => now } as const;
    const keys = createAgentKeys(audit);
    for (let i = 0; i < 5; i += 1) {
      keys.mint(`a:s${i}`);
      appendFileSync(path, `damaged {"v":1,"writer":"\n\n`);
      now += 1000;
    }
    const read = (filter: object) =>
      sink.read!(filter).map((event) => ("scopes" in event ? event.scopes?.[0] : event.type));
    expect(read({})).toEqual(["audit.opened", "a:s0", "a:s1", "a:s2", "a:s3", "a:s4"]);
    expect(read({ limit: 2 })).toEqual(["a:s3", "a:s4"]);
    expect(read({ limit: 0 })).toEqual([]);
    expect(read({ since: now - 2000 })).toEqual(["a:s3", "a:s4"]);
    expect(read({ since: now - 4000, limit: 3 })).toEqual(["a:s2", "a:s3", "a:s4"]);
    expect(read({ tool: "reply" })).toEqual([]);
  });

  test("a thousand are read of many, over the borders of chunks and of characters", () => {
    const path = freshPath();
    const keys = keysOn(path);
    for (let i = 0; i < 1200; i += 1) {
      keys.mint({ scope: "a:b", where: { text: "€😀ü".repeat(i % 40), i } });
    }
    const events = fileSink(path).read!({});
    expect(events).toHaveLength(1000);
    const numbers = events.map((event) => event.seq);
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, index) => index + 201));
    expect(events).toEqual(eventsOf(path).slice(-1000));
  });
});

/** Runs a module on the sources in a process of its own, with an IPC channel. */
function runScript(body: string, wrapper: readonly string[] = []): ChildProcess {
  const source = (file: string) => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  const script = `
    import { createAgentKeys } from ${source("../agent-keys.ts")};
    import { fileSink } from ${source("./file-sink.ts")};
    ${body}
  `;
  const node = [
    process.execPath,
    "--conditions=@agent-keys/source",
    "--input-type=module",
    "-e",
    script,
  ];
  const [command = "", ...args] = [...wrapper, ...node];
  return spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}
