import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { parseLine } from "./read-file.ts";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "agent-keys-console-"));
afterAll(() => rmSync(directory, { recursive: true }));

const url = (file: string) => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
const script = join(directory, "script.mjs");
writeFileSync(
  script,
  `
  import { createAgentKeys } from ${url("../agent-keys.ts")};
  import { consoleSink } from ${url("./console-sink.ts")};
  const policy = { "b\\u001b[7m\\u202e": { allow: [{ scope: "a:b" }] } };
  const keys = createAgentKeys({ agent: Object.keys(policy)[0], policy, audit: consoleSink() });
  keys.mint("a:b").close();
  try { keys.mint("a:denied"); } catch {}
  console.log("the program's own output");
  `,
);
const node = [process.execPath, "--conditions=@agent-keys/source", script];
const [command = "", ...args] = node;

test("on a pipe each event is its JSON line on stderr, and stdout is the program's", async () => {
  const { stdout, stderr } = await run(command, args);
  expect(stdout).toBe("the program's own output\n");
  const lines = stderr.trimEnd().split("\n");
  const types = lines.map((line) => parseLine(line)?.type);
  expect(types).toEqual(["key.minted", "key.closed", "key.denied"]);
});

// `script` runs a command on a pseudo-terminal of its own.
const onTerminal = async (env: Record<string, string>): Promise<readonly string[]> => {
  const { NO_COLOR: _, FORCE_COLOR: __, ...outer } = process.env;
  const shell = node.map((part) => `'${part}'`).join(" ");
  const { stdout } = await run(
    "script",
    ["-qec", `stty cols 80; ${shell}`, join(directory, "log")],
    {
      env: { ...outer, TERM: "xterm", ...env },
    },
  );
  return stdout.trimEnd().split("\r\n");
};

const ESCAPE = "\u001b[";

test.runIf(process.platform === "linux")("on a terminal each is a readable line", async () => {
  const lines = await onTerminal({});
  expect(lines).toHaveLength(4);
  expect(lines.map((line) => /minted|ok|DENIED/.exec(line)?.[0])).toEqual([
    "minted",
    "ok",
    "DENIED",
    undefined,
  ]);
  expect(lines[3]).toBe("the program's own output");
  for (const line of lines.slice(0, 3)) expect(line).toContain(ESCAPE);
});

test.runIf(process.platform === "linux")(
  "without colour where NO_COLOR says so, and with no escape from an event's own text",
  async () => {
    const plain = await onTerminal({ NO_COLOR: "1" });
    expect(plain.join("")).not.toContain(ESCAPE);
    expect(plain[0]).toContain(String.raw`b\x1b[7m`);
    expect(Math.max(...plain.map((line) => line.length))).toBeLessThanOrEqual(80);
    const coloured = (await onTerminal({ NO_COLOR: "" })).join("");
    expect(coloured).toContain(ESCAPE);
    expect(coloured).not.toContain(`${ESCAPE}7m`);
    expect(coloured).not.toContain("\u202e");
  },
);
