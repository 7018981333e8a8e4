import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { partsOf } from "../../canary/canaries.ts";
import { AGENT, ISSUER, openIssuer } from "../issuer.ts";
import { startBroker } from "../started-broker.ts";
import type { Start, Went } from "./agent.ts";
import { BESIDE, openMirror } from "./mirror.ts";
import { formsOf, foundInFile, foundInMemory, foundInText } from "./search.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-broker-canary-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Made here, so that no file holds it; with what percent and JSON escapes change. */
const SECRET = `ghp_${randomBytes(15).toString("hex")}+/${randomBytes(15).toString("hex")}`;
const FORMS = formsOf(SECRET);
const AGENT_PROGRAM = fileURLToPath(new URL("./agent.ts", import.meta.url));
/** Else a snapshot cuts every string after 1,024 characters. */
const WHOLE_STRINGS = "--heap-snapshot-string-limit=1000000000";
const hasProc = existsSync("/proc/self/mem");
const PLACES = hasProc ? ["heap snapshot", "memory"] : ["heap snapshot"];

/** Where the secret was looked for, and the forms that were found. */
const agentHolds = new Map<string, readonly string[]>();
const brokerHolds = new Map<string, readonly string[]>();
let texts: Readonly<Record<string, string>> = {};
let tokens: readonly string[] = [];
let tokenInHeap: readonly string[] = [];
let went: Went;
let exits: readonly (number | null)[] = [];
let reflected = 0;
let strangers = 0;

beforeAll(async () => {
  const file = (name: string): string => join(directory, name);
  await using mirror = await openMirror(SECRET);
  const issuer = openIssuer();
  const broker = await startBroker([WHOLE_STRINGS]);
  const url = await broker.open({
    issuer: ISSUER,
    agent: AGENT,
    jwks: issuer.jwks,
    upstream: mirror.url,
    secret: SECRET,
    port: 0,
    audit: file("broker.jsonl"),
    vendors: true,
  });
  const child = fork(AGENT_PROGRAM, [], { silent: true, execArgv: [WHOLE_STRINGS] });
  const { pid = 0, stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("not started");
  const [out, err] = [text(stdout), text(stderr)];
  const exited = once(child, "exit") as Promise<[number | null]>;
  const heard = async (): Promise<unknown> => {
    const ended = exited.then(async () => Promise.reject(new Error(await err)));
    return ((await Promise.race([once(child, "message"), ended])) as [unknown])[0];
  };
  await heard();
  const start: Start = {
    signingKey: issuer.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    issuer: ISSUER,
    agent: AGENT,
    broker: url,
    audit: file("agent.jsonl"),
    upstream: mirror.url,
    heap: file("agent.heapsnapshot"),
  };
  child.send(start);
  went = (await heard()) as Went;
  tokens = went.tokens;
  ({ reflected, strangers } = mirror);
  agentHolds.set("heap snapshot", foundInFile(file("agent.heapsnapshot"), FORMS));
  const lastToken = new Map([["token", Buffer.from(partsOf(tokens.at(-1) ?? "")[1] ?? "")]]);
  tokenInHeap = foundInFile(file("agent.heapsnapshot"), lastToken);
  await broker.heap(file("broker.heapsnapshot"));
  brokerHolds.set("heap snapshot", foundInFile(file("broker.heapsnapshot"), FORMS));
  if (hasProc) {
    agentHolds.set("memory", foundInMemory(pid, FORMS));
    brokerHolds.set("memory", foundInMemory(broker.pid, FORMS));
  }
  const proc = (name: string): string =>
    hasProc ? readFileSync(`/proc/${pid}/${name}`, "latin1") : "none";
  const [environ, cmdline] = [proc("environ"), proc("cmdline")];
  child.send("go");
  const [stdoutText, stderrText, [code]] = await Promise.all([out, err, exited]);
  exits = [code, await broker.close()];
  texts = {
    ...went.channels,
    stdout: stdoutText,
    stderr: stderrText,
    environ,
    cmdline,
    "the agent's record": readFileSync(file("agent.jsonl"), "utf8"),
    "the broker's record": readFileSync(file("broker.jsonl"), "utf8"),
    "the broker's output": await broker.output,
  };
}, 240_000);

test("both frameworks reached both vendors, in both ways, and were answered, mirrored and failed", () => {
  // Two frameworks, two clients, two ways, three cases.
  expect(new Set(tokens).size).toBe(24);
  expect(went.ended).toEqual({ well: 16, failed: 8 });
  expect([reflected, strangers]).toEqual([16, 0]);
  expect(exits).toEqual([0, 0]);
});

test("what the upstream told back came through, without the secret", () => {
  const names = ["model messages", "stream parts", "traces", "errors", "stdout", "stderr"];
  expect(names.filter((name) => texts[name]?.includes(BESIDE) !== true)).toEqual([]);
});

describe("the search finds what is there", () => {
  test("the secret in the broker", () => {
    const places = [...brokerHolds].filter(([, forms]) => forms.includes("half 0"));
    expect(places.map(([place]) => place)).toEqual(PLACES);
  });

  test("a key in the agent's heap, and every form in a text", () => {
    expect(tokenInHeap).toEqual(["token"]);
    const planted = [...FORMS.values()].map((form) => form.toString()).join(" ");
    expect(foundInText(planted, FORMS)).toEqual([...FORMS.keys()]);
  });
});

test("the agent's process does not hold the secret, in any form", () => {
  expect([...agentHolds]).toEqual(PLACES.map((place) => [place, []]));
});

test("no channel shows the secret, in any form", () => {
  const held = Object.entries(texts).map(([name, said]) => [name, foundInText(said, FORMS)]);
  expect(held.filter(([, forms = []]) => forms.length > 0)).toEqual([]);
});

test("no channel shows a key", () => {
  const parts = tokens.flatMap(partsOf);
  const shows = Object.entries(texts).filter(([, said]) =>
    parts.some((part) => said.includes(part)),
  );
  expect(shows.map(([name]) => name)).toEqual([]);
});
