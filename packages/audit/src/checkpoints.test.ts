import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signingPair, temporaryDirectory } from "../test/record.ts";
import { checkpoints, type CheckpointsOptions } from "./checkpoints.ts";
import type { SignedCheckpoint } from "./note/checkpoint.ts";
import { noteVerifier } from "./note/note.ts";
import { verifyRecord } from "./tree/verify-record.ts";

const { key, publicKey } = signingPair();
const origin = "example.com/audit";
const verifier = noteVerifier(origin, publicKey);
let directory: ReturnType<typeof temporaryDirectory>;
let path: string;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory.path, "audit.jsonl");
});
afterEach(() => {
  vi.useRealTimers();
  directory[Symbol.dispose]();
});

function start(options: Partial<CheckpointsOptions> = {}) {
  const made: SignedCheckpoint[] = [];
  const signing = checkpoints({
    path,
    key,
    origin,
    onCheckpoint: (one) => made.push(one),
    ...options,
  });
  const audit = [fileSink(path), signing];
  const keys = createAgentKeys({ agent: "repo-bot", policy: "allow-all", audit });
  return { keys, made, signing };
}

test("checkpoints are signed after so many events, and flush signs what is left", async () => {
  const { keys, made, signing } = start({ everyEvents: 10 });
  for (let calls = 0; calls < 20; calls += 1) keys.mint("a:b").close();
  await vi.waitFor(() => expect(made.length).toBeGreaterThan(0));
  keys.mint("a:b").close();
  await keys.flush();
  expect(made.at(-1)?.size).toBe(readFileSync(path, "utf8").trimEnd().split("\n").length);
  expect(verifyRecord(path, { key: verifier })).toMatchObject({ findings: [], proven: 43 });
  await signing[Symbol.asyncDispose]();
});

test("and after so many seconds, where there is anything new", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const { keys, made, signing } = start({ everySeconds: 5 });
  keys.mint("a:b").close();
  vi.advanceTimersByTime(4_000);
  expect(made).toEqual([]);
  vi.advanceTimersByTime(2_000);
  await vi.waitFor(() => expect(made).toHaveLength(1));
  vi.advanceTimersByTime(20_000);
  await signing.flush?.();
  expect(made).toHaveLength(1);
  await signing[Symbol.asyncDispose]();
});

test("what goes wrong is told, and stops neither the keys nor the checkpoints after it", async () => {
  const errors: unknown[] = [];
  const { keys, made, signing } = start({ onError: (error) => errors.push(error) });
  mkdirSync(`${path}.checkpoints`);
  keys.mint("a:b").close();
  await keys.flush();
  expect(errors).toHaveLength(1);
  rmSync(`${path}.checkpoints`, { recursive: true });
  keys.mint("a:b").close();
  await keys.flush();
  expect([made.at(-1)?.size, errors.length]).toEqual([5, 1]);
  await signing[Symbol.asyncDispose]();
});

test.each([
  [{ everyEvents: 0 }, "everyEvents"],
  [{ everySeconds: -1 }, "everySeconds"],
  [{ path: "" }, "path"],
  [{ key: "junk" }, "PEM"],
  [{ origin: "two words" }, "origin"],
])("wrong options are a TypeError: %o", (wrong, named) => {
  expect(() => checkpoints({ path, key, origin, ...wrong })).toThrow(TypeError);
  expect(() => checkpoints({ path, key, origin, ...wrong })).toThrow(named);
});
