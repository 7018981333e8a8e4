import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { Came } from "./disk-scenarios.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-disk-"));
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true }));

const SCENARIOS = fileURLToPath(new URL("./disk-scenarios.ts", import.meta.url));
const HANGS_MS = 30_000;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** A mount namespace of its own, as root or as a user who may have one. */
const namespace = [
  ["unshare", "-m", "--propagation", "private"],
  ["unshare", "-r", "-m", "--propagation", "private"],
].find(([command = "", ...args]) => spawnSync(command, [...args, "true"]).status === 0);
const SMALL_DISK = 'mount -t tmpfs -o size=192k none "$0" && exec "$@"';

interface Start {
  readonly wrapper?: readonly string[];
  readonly uid?: number;
}

async function run(
  scenario: string,
  where: string,
  { wrapper = [], uid }: Start = {},
): Promise<Came> {
  const [command, ...args] = [...wrapper, process.execPath, SCENARIOS, scenario, where];
  const child = spawn(command, args, {
    // The pipe at stdout is read by nobody.
    stdio: ["ignore", "pipe", "inherit", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const hangs = setTimeout(() => child.kill("SIGKILL"), HANGS_MS);
  const exited = once(child, "exit");
  const reported = await text(child.stdio[3] as Readable);
  const exit = await exited;
  clearTimeout(hangs);
  child.stdout?.destroy();
  expect([scenario, ...(exit as unknown[])]).toEqual([scenario, 0, null]);
  return JSON.parse(reported) as Came;
}

const REFUSED = ["AI SDK", "LangChain", "withAgentKey"].map((name) => [
  name,
  "audit_unavailable",
  0,
]);
const AGAIN = ["answer again", "answer again", "answer again"];

describe.runIf(process.platform === "linux")("no body runs, and nothing hangs,", () => {
  test.runIf(existsSync("/dev/full"))("on a device that is always full", async () => {
    const came = await run("devFull", directory);
    expect(came.calls).toEqual(REFUSED);
    expect(came.causes.join()).toContain("ENOSPC");
    expect(came.longestMs).toBeLessThan(1_000);
  });

  test("in a directory that may not be written to", async () => {
    const forbidden = join(directory, "forbidden");
    mkdirSync(forbidden, { mode: 0o555 });
    const came = await run("forbidden", forbidden, isRoot ? { uid: NOBODY } : {});
    expect(came.calls).toEqual(REFUSED);
    expect(came.causes).toEqual([
      expect.stringMatching(/^the audit file .* cannot be opened \(EACCES\); .* use jsonSink\(\)$/),
    ]);
    expect(came.longestMs).toBeLessThan(1_000);
  });

  describe.runIf(namespace !== undefined)("on a small disk of its own,", () => {
    const disk = (name: string): readonly [string, Start] => {
      const where = join(directory, name);
      mkdirSync(where);
      return [where, { wrapper: [...(namespace ?? []), "sh", "-c", SMALL_DISK, where] }];
    };

    test("that is read-only, until it is not", async () => {
      const came = await run("readOnly", ...disk("read-only"));
      expect(came.calls).toEqual(REFUSED);
      expect(came.causes).toEqual([
        expect.stringMatching(
          /^the audit file .* cannot be opened \(EROFS\); .* use jsonSink\(\)$/,
        ),
      ]);
      expect(came.longestMs).toBeLessThan(1_000);
      expect(came.after).toEqual(AGAIN);
      expect(came.damageCount).toBe(0);
    });

    test("that fills up, within a line, under a body whose result stands, until there is room", async () => {
      const came = await run("full", ...disk("full"));
      expect(came.during).toBe("the result");
      expect(came.calls).toEqual(REFUSED);
      expect(came.causes.join()).toContain("ENOSPC");
      expect(came.longestMs).toBeLessThan(1_000);
      expect(came.after).toEqual(AGAIN);
      expect(came.damageCount).toBe(0);
      expect(came.notes).toEqual(["torn"]);
    });
  });
});

// A line waits a second for its reader. A refused call writes two: its intent and its refusal.
test.each(["looked-at", "untouched"])(
  "a pipe that nobody reads, as jsonSink may have, holds no call up for more than two seconds: stdout %s",
  async (stdout) => {
    const came = await run("unreadPipe", stdout);
    expect(came.during).toBe("the result");
    expect(came.calls).toEqual(REFUSED);
    expect(came.causes.join()).toContain("EAGAIN");
    expect(came.longestMs).toBeLessThan(4_000);
  },
);
