import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "@agent-keys/console";
import { getLogs, withAgentKey } from "@agent-keys/core";
import { afterAll, beforeAll, expect, test } from "vitest";

/** The command as npm links it. */
const manifest = createRequire(import.meta.url).resolve("@agent-keys/console/package.json");
const bin = join(dirname(manifest), "bin/agent-keys.js");

const home = process.cwd();
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "agent-keys-e2e-"));
  process.chdir(directory);
  // No set-up at all: both sides agree on where the record is.
  await withAgentKey("github:repos.read", (token) => token.length, { expiresIn: 30 });
  await withAgentKey("github:repos.read", () => Promise.reject(new Error("no"))).catch(() => 0);
});
afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

function agentKeys(...args: string[]) {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  return spawnSync(process.execPath, [bin, ...args], { cwd: directory, env, encoding: "utf8" });
}

test("the built command shows what withAgentKey recorded", async () => {
  const { status, stdout, stderr } = agentKeys("ls", "--json");
  expect([status, stderr]).toEqual([0, ""]);
  const shown = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(shown).toEqual(await getLogs());
  expect(agentKeys("tail", "-n", "1").stdout).toMatch(/ ERROR .* github:repos\.read/);
  expect(agentKeys("stats").stdout).toContain("2 calls: 1 ok, 1 failed");
});

test("show takes what ls shows", () => {
  const [, id = ""] = / ok +(\S+)/.exec(agentKeys("ls").stdout) ?? [];
  const { status, stdout } = agentKeys("show", "--", id.slice(0, 8));
  expect(status).toBe(0);
  expect(stdout).toContain(`key      ${id}`);
  expect(stdout).toContain("30s after it was minted");
});

test("the record is intact", () => {
  const { status, stdout } = agentKeys("verify");
  expect(status).toBe(0);
  expect(stdout).toContain("intact  agent-keys.audit.jsonl\n5 events of 1 writer");
});

test("its version is the package's", () => {
  const { version } = createRequire(import.meta.url)(manifest) as { version: string };
  expect(agentKeys("--version").stdout).toBe(`${version}\n`);
});

test("runs inside another program too", async () => {
  const said = { out: "", err: "" };
  const status = await run(["ls", "--limit", "1", "--json"], {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    columns: 80,
    isTerminal: false,
    env: {},
    now: Date.now,
  });
  expect([status, said.err]).toEqual([0, ""]);
  expect(JSON.parse(said.out)).toEqual((await getLogs({ limit: 1 }))[0]);
});

test("wrong use is exit 2, a line and a hint", () => {
  const { status, stdout, stderr } = agentKeys("ls", "--colour");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^agent-keys: ls has no flag --colour\nhint: .*\n$/);
});

test("an older Node is told what to do, before anything it cannot read is imported", () => {
  for (const old of ["16.20.2", "20.19.0", "22.18.0"]) {
    const pretend = `Object.defineProperty(process.versions, "node", { value: "${old}" });`;
    const args = [`--import=data:text/javascript,${encodeURIComponent(pretend)}`, bin, "ls"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^agent-keys: needs Node 22\.19 or later, and this is \S+\nhint: .+\n$/);
  }
});
