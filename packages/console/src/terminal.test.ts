import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { textWidth } from "@agent-keys/core/audit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentKeys, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "audit.jsonl");
beforeAll(() => writeRecord(file));
afterAll(() => directory[Symbol.dispose]());

const widest = (lines: readonly string[]): number => Math.max(...lines.map(textWidth));

test.each([
  ["60", 60],
  ["72", 72],
])("on a pipe, COLUMNS=%s is how wide a line may be", (COLUMNS, columns) => {
  const { stdout } = agentKeys(["ls", "--file", file], { env: { COLUMNS } });
  expect(widest(stdout.split("\n"))).toBe(columns);
});

test.each(["", "0", "-1", "many"])("on a pipe, COLUMNS=%j cuts nothing", (COLUMNS) => {
  const { stdout } = agentKeys(["ls", "--file", file], { env: { COLUMNS } });
  expect(stdout).not.toContain("…");
  expect(widest(stdout.split("\n"))).toBeGreaterThan(120);
});

// `script` runs a command on a pseudo-terminal of its own.
test.runIf(process.platform === "linux").each([60, 72])(
  "a terminal of %i columns is filled, and not more",
  async (columns) => {
    const bin = fileURLToPath(new URL("bin.ts", import.meta.url));
    const command = `'${process.execPath}' --conditions=@agent-keys/source '${bin}' ls --file '${file}'`;
    const { stdout } = await promisify(execFile)(
      "script",
      ["-qec", `stty cols ${columns}; ${command}`, join(directory.path, "log")],
      { env: { ...process.env, NO_COLOR: "1", COLUMNS: "200" } },
    );
    const lines = stdout.trimEnd().split("\r\n");
    expect(lines.length).toBeGreaterThan(10);
    expect(widest(lines)).toBe(columns);
  },
);
