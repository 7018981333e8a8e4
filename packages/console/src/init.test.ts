import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createAgentKeys } from "@agent-keys/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentKeys, type Ran, temporaryDirectory } from "../test/command.ts";

const ONE_LINE_AND_A_HINT = /^agent-keys: [^\n]+\nhint: [^\n]+\n$/;
const CONFIG = "agent-keys.config.ts";
const KEY = "agent-keys.key";

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory[Symbol.dispose]());

const path = (name: string): string => join(directory.path, name);
const read = (name: string): string => readFileSync(path(name), "utf8");
const init = (cwd = directory.path): Ran => agentKeys(["init"], { cwd });
const git = (...args: string[]): string =>
  execFileSync("git", args, { cwd: directory.path, encoding: "utf8" });

test("prints the two lines of the environment, and nothing else, on stdout", () => {
  const { status, stdout, stderr } = init();
  expect(status).toBe(0);
  expect(stdout).toBe(
    "AGENT_KEYS_SIGNING_KEY=./agent-keys.key\nAGENT_KEYS_BROKER=http://127.0.0.1:4949\n",
  );
  expect(stderr).toMatch(/^(agent-keys: [^\n]{1,68}\nhint: [^\n]{1,74}\n){3}$/);
  expect(stderr).toContain("npx agent-keys broker");
  expect(readdirSync(directory.path).toSorted()).toEqual([CONFIG, KEY]);
});

test("what it writes is for its owner alone, whatever the umask, and the key is said nowhere", () => {
  const umask = process.umask(0);
  const { stdout, stderr } = init();
  process.umask(umask);
  for (const name of [KEY, CONFIG]) expect(statSync(path(name)).mode & 0o777).toBe(0o600);
  const pem = read(KEY);
  expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  const { d, x } = createPrivateKey(pem).export({ format: "jwk" });
  const [, body = ""] = pem.split("\n");
  for (const said of [stdout, stderr, read(CONFIG)]) {
    expect(said).not.toContain(body);
    expect(said).not.toContain(d);
  }
  expect(read(CONFIG)).toContain(`x: "${x}"`);
});

test("the configuration registers exactly who mints with the key", () => {
  init();
  const keys = createAgentKeys({
    agent: "my-agent",
    policy: "allow-all",
    signingKey: path(KEY),
    audit: () => undefined,
  });
  const [, claims = ""] = keys.mint("github:repos.read").token.split(".");
  const { iss } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { iss: string };
  const [jwk] = keys.jwks().keys;
  expect(read(CONFIG)).toContain(`    "${iss}": {\n`);
  for (const [name, value] of Object.entries(jwk ?? {})) {
    expect(read(CONFIG)).toContain(`${name}: "${value}",\n`);
  }
});

test("no two keys are the same, whatever an earlier one left in the environment", () => {
  init();
  const other = path("other");
  mkdirSync(other);
  const env = { AGENT_KEYS_SIGNING_KEY: path(KEY), AGENT_KEYS_BROKER: "http://elsewhere.example" };
  expect(agentKeys(["init"], { cwd: other, env }).status).toBe(0);
  expect(read(KEY)).not.toBe(read(join("other", KEY)));
});

test("the configuration is narrow enough to be read", () => {
  init();
  const widths = read(CONFIG)
    .split("\n")
    .map((line) => line.length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(80);
});

describe("nothing is overwritten", () => {
  /** All that is in the directory, by name. */
  const snapshot = (): string =>
    createHash("sha256")
      .update(JSON.stringify(readdirSync(directory.path).map((name) => [name, contentOf(name)])))
      .digest("hex");
  const contentOf = (name: string): string =>
    existsSync(path(name)) && statSync(path(name)).isFile() ? read(name) : "";

  test.each<[string, () => void]>([
    ["a configuration", () => writeFileSync(path(CONFIG), "mine")],
    ["a key", () => writeFileSync(path(KEY), "mine")],
    ["an empty key", () => writeFileSync(path(KEY), "")],
    ["a directory", () => mkdirSync(path(KEY))],
    ["a link to somewhere", () => symlinkSync(path("elsewhere"), path(KEY))],
    ["a link as configuration", () => symlinkSync(path("elsewhere"), path(CONFIG))],
    ["both, of the time before", () => void init()],
  ])("%s", (_, make) => {
    git("init", "-q");
    make();
    const before = snapshot();
    const { status, stdout, stderr } = init();
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toContain("is there already");
    expect(snapshot()).toBe(before);
    expect(existsSync(path("elsewhere"))).toBe(false);
  });

  test("where the configuration cannot be written, no key is left behind", () => {
    const home = path("home");
    mkdirSync(home);
    const { status, stderr } = agentKeys(["init"], {
      cwd: home,
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(FULL_DISK)}` },
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toContain(`${CONFIG} cannot be written (ENOSPC)`);
    expect(readdirSync(home)).toEqual([]);
  });
});

/** A disk that has room for the key, and none for the configuration. */
const FULL_DISK = `
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  const { openSync, writeFileSync } = fs;
  let full;
  fs.openSync = (path, ...rest) => {
    const fd = openSync(path, ...rest);
    if (path === "agent-keys.config.ts") full = fd;
    return fd;
  };
  fs.writeFileSync = (file, text, ...rest) => {
    writeFileSync(file, file === full ? text.slice(0, 100) : text, ...rest);
    if (file === full) throw Object.assign(new Error("no"), { code: "ENOSPC" });
  };
  syncBuiltinESMExports();
`;

const LINES = ["agent-keys.key*", ".env", ".env.broker", "*.audit.jsonl*"];
const ADDED = `${LINES.join("\n")}\n`;

describe("in a git repository", () => {
  beforeEach(() => void git("init", "-q"));

  const untracked = (): string => git("status", "--porcelain", "--untracked-files=all");

  test("keys, environments and records are ignored from then on, those put aside too", () => {
    expect(init().stderr).toContain(`added to .gitignore: ${LINES.join(" ")}\n`);
    expect(read(".gitignore")).toBe(ADDED);
    for (const name of [".env", ".env.broker", "agent-keys.key.2026-11", "x.audit.jsonl.20261124"])
      writeFileSync(path(name), "not for others");
    expect(untracked()).toBe(`?? .gitignore\n?? ${CONFIG}\n`);
  });

  test("a second init adds nothing", () => {
    init();
    for (const name of [CONFIG, KEY]) rmSync(path(name));
    // Git does not call ignored what it tracks.
    writeFileSync(path(".env"), "");
    git("add", "--force", ".env");
    expect(init().stderr).not.toContain("added to .gitignore");
    expect(read(".gitignore")).toBe(ADDED);
  });

  test.each(["elsewhere", "nowhere"])("a .gitignore that leads %s is not followed", (where) => {
    writeFileSync(path("elsewhere"), "mine");
    symlinkSync(path(where), path(".gitignore"));
    const { status, stderr } = init();
    expect(status).toBe(2);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toContain(".gitignore is a symbolic link");
    expect(read("elsewhere")).toBe("mine");
    for (const name of ["nowhere", CONFIG, KEY]) expect(existsSync(path(name))).toBe(false);
  });

  test("what .gitignore says stays, with or without a line break at its end", () => {
    for (const before of ["dist", "dist\n"]) {
      writeFileSync(path(".gitignore"), before);
      init();
      expect(read(".gitignore")).toBe(`dist\n${ADDED}`);
      git("clean", "-fdxq", "-e", ".gitignore");
    }
  });

  test.each([".gitignore", ".git/info/exclude"])("what %s ignores already is left", (file) => {
    const before = "*.key\n.env*\n*.jsonl*\n";
    writeFileSync(path(file), before);
    expect(init().stderr).toContain("(0600, ignored by git)");
    expect(read(file)).toBe(before);
    expect(existsSync(path(".gitignore"))).toBe(file === ".gitignore");
  });

  test("a directory inside one is in it", () => {
    const below = path("agents");
    mkdirSync(below);
    init(below);
    expect(read("agents/.gitignore")).toBe(ADDED);
    expect(untracked()).not.toContain("agent-keys.key");
  });

  test("without git itself, .gitignore is read and written all the same", () => {
    for (const _ of [1, 2]) {
      const { status } = agentKeys(["init"], { cwd: directory.path, env: { PATH: "/nowhere" } });
      expect(status).toBe(0);
      expect(read(".gitignore")).toBe(ADDED);
      for (const name of [CONFIG, KEY]) rmSync(path(name));
    }
  });

  test("where .gitignore cannot be written, there is no key to be committed", () => {
    mkdirSync(path(".gitignore"));
    const { status, stderr } = init();
    expect(status).toBe(2);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(existsSync(path(KEY))).toBe(false);
  });
});
