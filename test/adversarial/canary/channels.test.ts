import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARGUMENT, EMAIL, partsOf, SECRET } from "./canaries.ts";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "agent-keys-canary-"));
afterAll(() => rmSync(directory, { recursive: true }));
const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = fileURLToPath(new URL("program.ts", import.meta.url));
const command = join(root, "packages/console/dist/bin.js");

interface Went {
  readonly channels: Readonly<Record<string, string>>;
  readonly tokens: readonly string[];
}

async function collect(mode: "clean" | "plant"): Promise<Went> {
  const path = join(directory, `${mode}.jsonl`);
  const child = fork(program, [path, mode], { silent: true });
  const [[message], stdout, stderr, [code]] = (await Promise.all([
    once(child, "message"),
    text(child.stdout!),
    text(child.stderr!),
    once(child, "exit"),
  ])) as [[{ channels: Record<string, string[]>; tokens: string[] }], string, string, [number]];
  expect([code, stderr.includes("nobody handles this")]).toEqual([1, true]);
  const { channels, tokens } = message;
  const told: Record<string, string> = {};
  for (const [name, said] of Object.entries(channels)) told[name] = said.join("\n");
  const rejection = stderr.slice(stderr.indexOf("nobody handles this"));
  const outputs = { stdout, stderr, "an unhandled rejection": rejection };
  const audit = { "the audit file": readFileSync(path, "utf8") };
  const commands = await commandOutputs(path, mode === "plant" ? tokens : []);
  return { channels: { ...told, ...outputs, ...audit, ...commands }, tokens };
}

/** What each command prints, for people and for programs, on both outputs. */
async function commandOutputs(path: string, planted: readonly string[]): Promise<object> {
  const ids = readFileSync(path, "utf8").matchAll(/"keyId":"([^"]+)"/g);
  const key = [...ids].map(([, id = ""]) => id).at(-1) ?? "";
  // `verify` shows nothing of a record but where it is bad, so its plant is the file's own name.
  const named = [...partsOf(planted[0] ?? ""), SECRET, ARGUMENT, EMAIL].join("_");
  const bad = join(directory, planted.length > 0 ? `${named}.jsonl` : "bad.jsonl");
  copyFileSync(path, bad);
  truncateSync(bad, 2_000);
  const outputs: Record<string, string> = {};
  for (const words of [["tail"], ["ls"], ["show", "--", key], ["stats"]]) {
    const [name = "", ...rest] = words;
    const flags = ["--file", path];
    const shown = await agentKeys([name, ...flags, ...rest]);
    const json = await agentKeys([name, "--json", ...flags, ...rest]);
    outputs[`agent-keys ${name}`] = `${shown}\n${json}`;
  }
  outputs["agent-keys verify"] = [
    await agentKeys(["verify", bad]),
    await agentKeys(["verify", "--json", bad]),
    planted.length > 0 ? "" : await agentKeys(["verify", "--file", path]),
  ].join("\n");
  return outputs;
}

async function agentKeys(args: readonly string[]): Promise<string> {
  const env = { ...process.env, COLUMNS: "400" };
  const said = await run(process.execPath, [command, ...args], { env }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  expect(said.stdout + said.stderr).not.toBe("");
  return said.stdout + said.stderr;
}

let clean: Went;
let planted: Went;
beforeAll(async () => {
  [clean, planted] = await Promise.all([collect("clean"), collect("plant")]);
}, 120_000);

/** The frameworks themselves put the model's words, so a call's input, on these. */
const frameworks = ["LangSmith's traces", "OpenTelemetry's spans", "LangChain's callbacks"];
const withInputs = new Set([...frameworks, "stream parts", "messages"]);

const names = [
  ...frameworks,
  "stream parts",
  "messages",
  "errors",
  "warnings",
  "copies and what other threads get",
  "process title, arguments and environment",
  "stdout",
  "stderr",
  "an unhandled rejection",
  "the audit file",
  "agent-keys tail",
  "agent-keys ls",
  "agent-keys show",
  "agent-keys stats",
  "agent-keys verify",
];

test("every channel that was collected is looked at", () => {
  expect(Object.keys(clean.channels).toSorted()).toEqual(names.toSorted());
  expect(new Set(clean.tokens).size).toBe(4);
});

describe.each(names)("%s", (name) => {
  test("would show each canary, if it leaked", () => {
    const text = planted.channels[name] ?? "";
    const [token = ""] = planted.tokens;
    for (const canary of [...partsOf(token), SECRET, ARGUMENT, EMAIL]) {
      expect(text.includes(canary), `${canary} in ${name}`).toBe(true);
    }
  });

  test("shows none", () => {
    const text = clean.channels[name] ?? "";
    // Nobody warns of anything here.
    expect(text.length > 0 || name === "warnings").toBe(true);
    const ours = withInputs.has(name) ? [] : [ARGUMENT, EMAIL];
    const canaries = [...clean.tokens.flatMap(partsOf), SECRET, ...ours];
    for (const canary of canaries)
      expect(text.includes(canary), `${canary} in ${name}`).toBe(false);
  });
});
