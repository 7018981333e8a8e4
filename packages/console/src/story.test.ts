import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import { afterAll, describe, expect, test } from "vitest";
import { jsonLines, runHere, temporaryDirectory } from "../test/command.ts";
import type { Story } from "./story.ts";

const directory = temporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

let files = 0;
function open(now: () => number = Date.now) {
  files += 1;
  const file = join(directory.path, `audit-${files}.jsonl`);
  const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: fileSink(file), now });
  const stories = async (...args: string[]): Promise<Story[]> =>
    jsonLines<Story>(await runHere(["show", "--json", "--file", file, ...args]));
  return { keys, file, stories };
}

test("a revocation that came while the call ran is in its story, others are not", async () => {
  const { keys, stories } = open();
  await keys.revoke({ agent: "bot" });
  await keys.restore({ agent: "bot" });
  const key = keys.mint({ scope: "a:b", expiresIn: 30 });
  await keys.revoke({ id: key.id }, { reason: "stop" });
  await keys.revoke({ agent: "somebody-else" });
  await keys.revoke({ scope: "a:*" }, { reason: "stop" });
  await keys.revoke({ scope: "c:*" });
  key.close();
  const [story] = await stories("--", key.id);
  expect(story!.steps.map(({ event }) => event.type)).toEqual([
    "key.minted",
    "key.revoked",
    "key.revoked",
    "key.closed",
  ]);
});

test("events of one millisecond stay in the order of the record", async () => {
  const { keys, file, stories } = open(() => 1_790_000_000_000);
  await keys.revoke({ agent: "bot" });
  await keys.restore({ agent: "bot" });
  let outer = "";
  await keys.withAgentKey("a:b", async (_token, key) => {
    outer = key.id;
    await keys.revoke({ agent: "bot" }, { reason: "stop" });
    expect(() => keys.mint("a:b")).toThrow("revoked");
    await keys.restore({ agent: "bot" });
    keys.mint("a:b").close();
  });
  await keys.revoke({ agent: "bot" });
  const [story] = await stories("--", outer);
  expect(story!.steps.map(({ depth, event }) => `${depth} ${event.type}`)).toEqual([
    "0 key.minted",
    "0 key.revoked",
    "1 key.denied",
    "0 key.restored",
    "1 key.minted",
    "1 key.closed",
    "0 key.closed",
  ]);
  const { stdout } = await runHere(["show", "--file", file, "--", outer], { columns: 80 });
  expect(stdout.indexOf("REVOKED")).toBeLessThan(stdout.indexOf("DENIED"));
  expect(stdout.indexOf("DENIED")).toBeLessThan(stdout.indexOf("restored"));
});

test("calls inside calls inside calls", async () => {
  const { keys, stories } = open();
  let depth = 0;
  const nest = async (): Promise<void> => {
    depth += 1;
    if (depth < 40) await keys.withAgentKey("a:b", nest);
  };
  let outer = "";
  await keys.withAgentKey("a:b", async (_token, key) => {
    outer = key.id;
    await nest();
  });
  const [story] = await stories("--", outer);
  expect(story!.steps.map((step) => step.depth).toSorted((a, b) => b - a)[0]).toBe(39);
  expect(story!.steps).toHaveLength(80);
});

test("a delegated key is in its parent's story", async () => {
  const { keys, stories } = open();
  const parent = keys.mint("a:b");
  keys.for({ agent: "helper", parent }).mint("a:b").close();
  const [story] = await stories("--", parent.id);
  expect(story!.steps.map(({ depth, event }) => [depth, event.type])).toEqual([
    [0, "key.minted"],
    [1, "key.minted"],
    [1, "key.closed"],
  ]);
  expect(story!.call).toMatchObject({ outcome: "open", endedAt: null });
});

describe("a call that is not closed", () => {
  test("says when it expires, or that it never was", async () => {
    const { keys, file } = open();
    const key = keys.mint({ scope: "a:b", expiresIn: 30 });
    const at = (seconds: number) =>
      runHere(["show", "--file", file, "--", key.id], {
        nowMs: key.expiresAt.getTime() + seconds * 1_000,
      });
    expect((await at(-20)).stdout).toMatch(/^open, expires in 20s: a:b\n/);
    expect((await at(3_570)).stdout).toMatch(/^never closed, minted 1h00m ago: a:b\n/);
  });
});

test("a refusal outside any tool is found by its event's id, and by what ls shows of it", async () => {
  const { keys, file, stories } = open();
  keys.mint("a:b").close();
  await keys.revoke({ agent: "bot" });
  expect(() => keys.mint("a:b")).toThrow("revoked");
  const [denied] = await keys.logs({ limit: 1 });
  const [story] = await stories("--", denied!.id);
  expect(story!.call).toMatchObject({ outcome: "denied", code: "key_revoked", scopes: ["a:b"] });
  // Of a call that has a name of its own, the event's id is not shown, and its end is nobody's.
  expect(await stories("--", ".1")).toEqual([]);
  for (const columns of [60, 80, 120, Infinity]) {
    const { stdout } = await runHere(["ls", "--file", file, "--type", "key.denied"], { columns });
    const [, shown = ""] = /DENIED +(\S+)/.exec(stdout) ?? [];
    expect(shown.length).toBeGreaterThan(5);
    expect(denied!.id.endsWith(shown)).toBe(true);
    expect(await stories("--", shown)).toEqual([story]);
  }
});

test("of many stories the newest are told, and the others counted", async () => {
  const { keys, file } = open();
  for (let count = 0; count < 12; count += 1) keys.mint("a:b", { txn: `t-${count}` }).close();
  const lines = (await keys.logs()).map((event) =>
    JSON.stringify(
      "agent" in event ? { ...event, tool: { name: "t", framework: "f", callId: "same" } } : event,
    ),
  );
  writeFileSync(file, `${lines.join("\n")}\n`);
  const { stdout, stderr } = await runHere(["show", "same", "--file", file]);
  expect(stdout.match(/^ok in /gm)).toHaveLength(10);
  expect(stdout).not.toMatch(/txn +t-1\n/);
  expect(stderr).toContain("2 earlier ones are not shown\nhint: --limit 12 shows all");
});
