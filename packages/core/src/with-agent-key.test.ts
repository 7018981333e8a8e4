import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type * as module from "./with-agent-key.ts";

let directory: string;
let withAgentKey: typeof module.withAgentKey;
let getLogs: typeof module.getLogs;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "agent-keys-cwd-"));
  vi.spyOn(process, "cwd").mockReturnValue(directory);
  vi.resetModules();
  ({ withAgentKey, getLogs } = await import("./with-agent-key.ts"));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test("the three lines work as they stand, and the record is in the working directory", async () => {
  const length = await withAgentKey("github:repos.read", async (token) => token.length, {
    expiresIn: 30,
  });
  expect(length).toBeGreaterThan(200);
  const events = await getLogs();
  expect(events.map(({ type }) => type)).toEqual(["audit.opened", "key.minted", "key.closed"]);
  const file = join(directory, "agent-keys.audit.jsonl");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(events);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("getLogs takes a filter, and finds nothing where nothing was", async () => {
  expect(await getLogs()).toEqual([]);
  await withAgentKey("a:b", () => undefined);
  expect((await getLogs({ limit: 1 })).map(({ type }) => type)).toEqual(["key.closed"]);
  await expect(getLogs({ since: "never" })).rejects.toThrow(TypeError);
});

test("every kind of grant is taken, a wildcard is not, and the function did not run", async () => {
  const scopes = await withAgentKey(
    [{ scope: "slack:chat.write", where: { channel: "C123" }, uses: 1, expiresIn: "30s" }, "a:b"],
    (_, key) => key.scopes,
  );
  expect(scopes).toEqual(["slack:chat.write", "a:b"]);
  const fn = vi.fn<() => void>();
  await expect(withAgentKey("github:*", fn)).rejects.toMatchObject({ code: "scope_invalid" });
  expect(fn).not.toHaveBeenCalled();
});

test("wrong set-up is a rejection, never a throw, and the next call tries again", async () => {
  vi.stubEnv("AGENT_KEYS_SIGNING_KEY", "/missing/key.pem");
  const failing = withAgentKey("a:b", () => 1);
  await expect(failing).rejects.toThrow(/^AGENT_KEYS_SIGNING_KEY: /);
  await expect(getLogs()).rejects.toThrow(TypeError);
  vi.unstubAllEnvs();
  expect(await withAgentKey("a:b", () => 1)).toBe(1);
});
