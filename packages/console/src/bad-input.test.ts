import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agentKeys, runHere, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "audit.jsonl");
beforeAll(() => writeRecord(file));
afterAll(() => directory[Symbol.dispose]());

const COMMANDS = ["tail", "ls", "show", "stats", "verify"] as const;
const READING = ["tail", "ls", "show", "stats"] as const;

/** The arguments with which a command reads a file. */
const reading = (command: string, path: string): string[] => [
  command,
  ...(command === "show" ? ["some-id"] : []),
  "--file",
  path,
];

/** One line that says what is wrong, one with a hint, nothing else, no stack. */
const ONE_LINE_AND_A_HINT = /^agent-keys: [^\n]+\nhint: [^\n]+\n$/;

describe("what cannot be understood is one line, a hint and exit 2", () => {
  test.each<[string[], string]>([
    [[], "no command was given"],
    [["lst"], 'there is no command "lst"'],
    [["constructor"], 'there is no command "constructor"'],
    [["--file", "x", "ls"], "flag --file stands before the command"],
    [["ls", "--frobnicate"], "ls has no flag --frobnicate"],
    [["ls", "-f"], "ls has no flag -f"],
    [["ls", "--agent"], "--agent"],
    [["ls", "--json=yes"], "--json"],
    [["ls", "audit.jsonl"], 'ls does not take "audit.jsonl"'],
    [["ls", "--limit", "many"], '--limit cannot be "many"'],
    [["ls", "--limit=-1"], '--limit cannot be "-1"'],
    [["ls", "--limit", "-3"], "--limit needs a value, and what begins with - is none"],
    [["ls", "-n", "-3"], "--limit needs a value, and what begins with - is none"],
    [["ls", "--limit"], "--limit needs a value"],
    [["tail", "-n"], "--limit needs a value"],
    [["ls", "--since", "-1h"], "--since needs a value"],
    [["ls", "--since", "yesterday"], '--since cannot be "yesterday"'],
    [["ls", "--since", "2026-13-45"], '--since cannot be "2026-13-45"'],
    [["ls", "--since", "1h", "--until", "2h"], "--since is later than --until"],
    [["ls", "--scope", "*"], '--scope cannot be "*"'],
    [["ls", "--type", "key.lost"], '--type cannot be "key.lost"'],
    [["ls", "--outcome", "denied"], '--outcome cannot be "denied"'],
    [["ls", "--file", "a", "--file", "b"], "a does not exist"],
    [["show"], "show needs a key id or a tool call id"],
    [["show", "a", "b"], "show takes one id"],
    [["show", "-zAbCdEf"], "show has no flag -z"],
    [["verify", "--agent", "a"], "verify has no flag --agent"],
    [["broker", "--port", "http"], '--port cannot be "http"'],
    [["broker", "--port", "65536"], '--port cannot be "65536"'],
    [["broker", "--port"], "--port needs a value"],
    [["broker", "--config"], "--config needs a value"],
    [["broker", "--config", "nowhere.ts"], "nowhere.ts does not exist"],
    [["broker", "--daemon"], "broker has no flag --daemon"],
    [["broker", "start"], 'broker does not take "start"'],
    [["init", "--force"], "init has no flag --force"],
    [["init", "here"], 'init does not take "here"'],
  ])("%j", async (args, message) => {
    const { status, stdout, stderr } = await runHere(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toContain(message);
  });

  test.each([
    ["lst", "is it ls?"],
    ["stat", "is it stats?"],
    ["brokre", "is it broker?"],
    ["verfy", "is it verify?"],
    ["log", "commands are init, broker"],
    ["constructor", "commands are init, broker"],
  ])("what %s is likely to mean", async (name, hint) => {
    expect((await runHere([name])).stderr).toContain(`hint: ${hint}`);
    expect(await runHere(["help", name])).toEqual(await runHere([name]));
  });

  test.each([
    [["--limit", "-3"], "a whole number that is not negative, as in --limit 20"],
    [["--limit", "abc"], "a whole number that is not negative, as in --limit 20"],
    [["--since", "-1h"], "a duration like 10m"],
    [["--agent", "-bot"], "given as in --agent=-x"],
  ])("the hint for %j says what to give", async (args, hint) => {
    expect((await runHere(["ls", ...args])).stderr).toContain(hint);
  });

  test.each([
    [["--port", "x"], "a number from 0 to 65535"],
    [["--port"], "a number from 0 to 65535"],
    [["--host"], "as in --host 127.0.0.1"],
    [["--config"], "as in --config agent-keys.config.ts"],
    [["--config", "nowhere.ts"], "agent-keys init writes one"],
  ])("the hint for broker %j says what to give", async (args, hint) => {
    expect((await runHere(["broker", ...args])).stderr).toContain(hint);
  });

  test("an id that begins with a dash is asked for behind --", async () => {
    expect((await runHere(["show", "-zAbC"])).stderr).toContain("agent-keys show -- -abc");
    expect((await runHere(["show", "--file", file, "--", "-zAbC"])).stderr).toContain(
      'id like "-zAbC"',
    );
  });
});

describe.each(COMMANDS)("%s", (command) => {
  test.each<[string, (path: string) => void]>([
    ["does not exist", () => undefined],
    ["is a directory", (path) => mkdirSync(path)],
  ])("says that a file %s", async (what, make) => {
    const path = join(directory.path, `${command}-${what}`);
    make(path);
    const { status, stdout, stderr } = await runHere(reading(command, path));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(stderr).toContain(`${path} ${what}`);
  });
});

describe.each([...COMMANDS, "init", "broker", "services"])("%s", (command) => {
  test("has a help of its own", async () => {
    for (const args of [
      [command, "--help"],
      [command, "-h"],
      ["help", command],
      ["--help", command],
    ]) {
      const { status, stdout, stderr } = await runHere(args);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`usage: agent-keys ${command}`);
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(82);
    }
  });
});

describe.each(READING)("%s", (command) => {
  test.each<[string, Buffer]>([
    ["binary", Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * 7919) % 256))],
    ["zeros", Buffer.alloc(3_000_000)],
    ["other JSON lines", Buffer.from('{"level":30,"msg":"hello"}\n'.repeat(100))],
    ["deep JSON", Buffer.from(`${"[".repeat(2_000_000)}\n`)],
    ["one endless line", Buffer.from(`{"v":1,"writer":"${"x".repeat(5_000_000)}"}\n`)],
  ])("refuses a file of %s", async (what, content) => {
    const path = join(directory.path, `${command} ${what}`);
    writeFileSync(path, content);
    const { status, stdout, stderr } = await runHere(reading(command, path));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
  });
});

test.each(["tail", "ls", "stats"])("%s of an empty file is empty, and says so", async (command) => {
  const path = join(directory.path, `empty-${command}`);
  writeFileSync(path, "");
  const { status, stdout, stderr } = await runHere(reading(command, path));
  expect([status, stdout]).toEqual([0, ""]);
  expect(stderr).toMatch(/^agent-keys: .*\n$/);
});

test.each(COMMANDS)("%s says why the system does not let it read a file", async (command) => {
  const { status, stderr } = await runHere(reading(command, join(file, "below-a-file")));
  expect(status).toBe(2);
  expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
  expect(stderr).toContain("cannot be read (ENOTDIR)");
});

describe("the real command", () => {
  const bin = fileURLToPath(new URL("bin.ts", import.meta.url));

  test("reads ./agent-keys.audit.jsonl, exits as it should, and shows no stack", () => {
    const missing = agentKeys(["ls"], { cwd: directory.path });
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(ONE_LINE_AND_A_HINT);
    expect(missing.stderr).toContain("agent-keys.audit.jsonl does not exist");
    writeFileSync(join(directory.path, "agent-keys.audit.jsonl"), readFileSync(file));
    const { status, stdout, stderr } = agentKeys(["ls"], { cwd: directory.path });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(18);
  });

  test.each(["--version", "-v"])("says its version: %s", (flag) => {
    expect(agentKeys([flag]).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("is quiet when nobody reads on", async () => {
    const big = join(directory.path, "big");
    writeFileSync(big, readFileSync(file, "utf8").repeat(500));
    const quoted = `'${process.execPath}' --conditions=@agent-keys/source '${bin}'`;
    for (const command of [`ls -n 9000`, `ls --json -n 9000`, `tail -n 9000`]) {
      const script = `set -o pipefail; ${quoted} ${command} --file '${big}' | head -1`;
      const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script]);
      expect(stderr).toBe("");
      expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    }
  });

  test("says so when what it writes to is full", async () => {
    const script = `'${process.execPath}' --conditions=@agent-keys/source '${bin}' ls --file '${file}' > /dev/full`;
    const failure = await promisify(execFile)("bash", ["-c", script]).catch(
      (error: unknown) => error,
    );
    const { code, stderr } = failure as { code: number; stderr: string };
    expect(code).toBe(2);
    expect(stderr).toMatch(ONE_LINE_AND_A_HINT);
  });

  test.each([
    [{}, 80, false],
    [{ FORCE_COLOR: "1" }, 80, true],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, 80, false],
  ])("on a pipe: %o", (env, columns, coloured) => {
    const { stdout } = agentKeys(["ls", "--file", file], {
      env: { ...env, COLUMNS: `${columns}` },
    });
    expect(stdout.includes("\u001b[")).toBe(coloured);
  });
});
