/**
 * What a process does on a disk that fails it. Run in a process of its own, which may stand in a
 * mount namespace of its own; prints what came of it as JSON.
 *
 * Arguments: the scenario, and a directory.
 */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink, jsonSink, type Sink } from "@agent-keys/core";
import { attempt, bodies } from "./bodies.ts";
import { verified } from "./record.ts";

/** What a scenario prints. */
export interface Came {
  /** Name of the body, what its calls came to, and how often it ran. */
  readonly calls: readonly (readonly [string, unknown, number])[];
  readonly causes: readonly string[];
  readonly longestMs: number;
  /** What a call came to whose body filled the disk. */
  readonly during?: unknown;
  readonly after?: readonly unknown[];
  readonly damageCount?: number;
  readonly notes?: readonly string[];
}

const REPORT = 3;
const BALLAST_BYTES = 128 * 1024;
const [scenario = "", directory = ""] = process.argv.slice(2);
const path = join(directory, "audit.jsonl");

const keysOn = (audit: Sink) => createAgentKeys({ agent: "bot", policy: "allow-all", audit });

async function refusedCalls(keys: ReturnType<typeof keysOn>): Promise<Came> {
  const calls: [string, unknown, number][] = [];
  const causes = new Set<string>();
  let longestMs = 0;
  for (const body of bodies(keys)) {
    const started = performance.now();
    const came = await attempt(async () => {
      try {
        return await body.run("x");
      } catch (error) {
        causes.add(((error as Error).cause as Error | undefined)?.message ?? "");
        throw error;
      }
    });
    longestMs = Math.max(longestMs, performance.now() - started);
    calls.push([body.name, came, body.ran]);
  }
  return { calls, causes: [...causes], longestMs };
}

async function afterwards(keys: ReturnType<typeof keysOn>): Promise<Partial<Came>> {
  const after: unknown[] = [];
  for (const body of bodies(keys)) after.push(await attempt(async () => await body.run("again")));
  const { report } = verified(path);
  const notes = report.notes.map(({ code }) => code);
  return { after, damageCount: report.damageCount, notes };
}

const scenarios: Record<string, () => Promise<Came>> = {
  /** The disk fills while a key is held and while a body runs, and has room again. */
  async full() {
    const ballast = join(directory, "ballast");
    writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
    const keys = keysOn(fileSink(path));
    const during = await keys.withAgentKey("tickets:read", () => {
      for (;;) {
        try {
          keys.mint("tickets:read").close();
        } catch {
          return "the result";
        }
      }
    });
    const refused = await refusedCalls(keys);
    rmSync(ballast);
    return { ...refused, during, ...(await afterwards(keys)) };
  },
  async readOnly() {
    execFileSync("mount", ["-o", "remount,ro", directory]);
    const keys = keysOn(fileSink(path));
    const refused = await refusedCalls(keys);
    execFileSync("mount", ["-o", "remount,rw", directory]);
    return { ...refused, ...(await afterwards(keys)) };
  },
  forbidden: async () => await refusedCalls(keysOn(fileSink(path))),
  devFull: async () => await refusedCalls(keysOn(fileSink("/dev/full"))),
  /** Until the pipe that nobody reads is full. */
  async unreadPipe() {
    if (directory === "looked-at") void process.stdout.isTTY;
    const keys = keysOn(jsonSink());
    const during = await keys.withAgentKey("tickets:read", () => {
      for (;;) {
        try {
          keys.mint("tickets:read").close();
        } catch {
          return "the result";
        }
      }
    });
    return { ...(await refusedCalls(keys)), during };
  },
};

const came = await scenarios[scenario]?.();
writeSync(REPORT, JSON.stringify(came));
