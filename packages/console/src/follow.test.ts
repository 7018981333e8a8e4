import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startAgentKeys, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";
import { followLines } from "./follow.ts";
import { openTail } from "./open-tail.ts";

let directory: ReturnType<typeof temporaryDirectory>;
let file: string;
beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, "log");
});
afterEach(() => directory[Symbol.dispose]());

/** Follows a file, and gives its lines and notices one at a time. */
function following(from?: "start" | "end") {
  const abort = new AbortController();
  const notices: string[] = [];
  const tail = from === undefined ? undefined : openTail(file, from);
  let noticed = (): void => undefined;
  const notice = (message: string): void => {
    notices.push(message);
    noticed();
  };
  const batches = followLines(file, { tail, notice, signal: abort.signal, pollMs: 5 });
  const queue: string[] = [];
  return {
    notices,
    /** Resolves at the first notice. */
    noticed: () =>
      new Promise<void>((resolve) => {
        noticed = resolve;
      }),
    async next(): Promise<string> {
      if (queue.length === 0) queue.push(...((await batches.next()).value ?? ["(ended)"]));
      return queue.shift()!;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await batches.return();
    },
  };
}

describe("following a file", () => {
  test("gives each line as it is finished, and none twice", async () => {
    writeFileSync(file, "old\nhalf");
    await using log = following("end");
    appendFileSync(file, " a line\nnext\n");
    expect([await log.next(), await log.next()]).toEqual(["half a line", "next"]);
    appendFileSync(file, "ünf");
    appendFileSync(file, "inished\n");
    expect(await log.next()).toBe("ünfinished");
    expect(log.notices).toEqual([]);
  });

  test("waits for a file that is not there, and says so once", async () => {
    await using log = following();
    const noticed = log.noticed();
    const first = log.next();
    await noticed;
    writeFileSync(file, "here\n");
    expect(await first).toBe("here");
    expect(log.notices).toEqual([`waiting for ${file}`]);
  });

  test("starts again when the file is cut off", async () => {
    writeFileSync(file, "one\ntwo\n");
    await using log = following("start");
    expect([await log.next(), await log.next()]).toEqual(["one", "two"]);
    truncateSync(file);
    appendFileSync(file, "new\n");
    expect(await log.next()).toBe("new");
    expect(log.notices).toEqual([`${file} was cut off; following it from its start`]);
  });

  test("starts again when the file was cut off and is as long as before by now", async () => {
    writeFileSync(file, "one\ntwo\n");
    await using log = following("start");
    expect([await log.next(), await log.next()]).toEqual(["one", "two"]);
    writeFileSync(file, "eno\nowt\nand more\n");
    expect([await log.next(), await log.next(), await log.next()]).toEqual([
      "eno",
      "owt",
      "and more",
    ]);
  });

  test("goes on with what took the file's name, and with the file itself", async () => {
    writeFileSync(file, "one\n");
    await using log = following("start");
    expect(await log.next()).toBe("one");
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, "last of the old\n");
    expect(await log.next()).toBe("last of the old");
    writeFileSync(file, "first of the new\n");
    expect(await log.next()).toBe("first of the new");
    // A writer keeps the file that it opened.
    appendFileSync(`${file}.1`, "still the old\n");
    expect(await log.next()).toBe("still the old");
    appendFileSync(file, "second of the new\n");
    expect(await log.next()).toBe("second of the new");
    expect(log.notices.filter((notice) => notice.includes("was replaced"))).toHaveLength(1);
  });

  test("survives that the file is removed and comes back", async () => {
    writeFileSync(file, "one\n");
    await using log = following("start");
    expect(await log.next()).toBe("one");
    const noticed = log.noticed();
    rmSync(file);
    const next = log.next();
    await noticed;
    writeFileSync(file, "back\n");
    expect(await next).toBe("back");
    expect(log.notices[0]).toBe(`waiting for ${file}`);
  });

  test("gives a great many lines at once, in order", async () => {
    writeFileSync(file, "");
    await using log = following("end");
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index} ${"x".repeat(50)}`);
    appendFileSync(file, `${lines.join("\n")}\n`);
    const got: string[] = [];
    while (got.length < lines.length) got.push(await log.next());
    expect(got).toEqual(lines);
  });
});

describe("agent-keys tail -f", () => {
  test("shows what is there, then each event as it comes, through rotation", async () => {
    await writeRecord(file);
    await using shown = startAgentKeys(["tail", "-f", "-n", "1", "--json", "--file", file]);
    const before = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(await shown.line()).toBe(before.at(-1));
    await writeRecord(file);
    const after = readFileSync(file, "utf8").trimEnd().split("\n").slice(before.length);
    for (const line of after) expect(await shown.line()).toBe(line);

    renameSync(file, `${file}.1`);
    await shown.said("waiting for");
    await writeRecord(file);
    const rotated = readFileSync(file, "utf8").trimEnd().split("\n");
    for (const line of rotated) expect(await shown.line()).toBe(line);

    copyFileSync(file, `${file}.2`);
    truncateSync(file);
    await shown.said("was cut off");
    await writeRecord(file);
    expect(await shown.line()).toBe(readFileSync(file, "utf8").split("\n")[0]);
  }, 30_000);

  test("waits for its file, and passes over what is no event", async () => {
    await using shown = startAgentKeys(["tail", "-f", "--type", "key.denied", "--file", file]);
    await shown.said(`agent-keys: waiting for ${file}`);
    appendFileSync(file, "not an event\n");
    await shown.said("agent-keys: 1 damaged line was passed over\nhint: agent-keys verify");
    await writeRecord(file);
    for (const code of ["policy_denied", "constraint_failed", "constraint_failed", "key_revoked"]) {
      expect(await shown.line()).toContain(code);
    }
  }, 30_000);

  test("ends quietly when nobody reads any more", async () => {
    await writeRecord(file);
    const { execFile } = await import("node:child_process");
    const { fileURLToPath } = await import("node:url");
    const bin = fileURLToPath(new URL("bin.ts", import.meta.url));
    const script =
      `set -o pipefail; '${process.execPath}' --conditions=@agent-keys/source '${bin}' ` +
      `tail -f --file '${file}' | head -1`;
    const ended = new Promise<[unknown, string]>((resolve) => {
      execFile("bash", ["-c", script], (error, _stdout, stderr) => resolve([error, stderr]));
    });
    const writing = setInterval(() => appendFileSync(file, readFileSync(file)), 100);
    expect(await ended.finally(() => clearInterval(writing))).toEqual([null, ""]);
  }, 30_000);
});
