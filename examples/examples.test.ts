import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, auditEvent } from "@agent-keys/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ended, onSources, start } from "./run-script.ts";

// plain.ts leaves its audit in the directory it runs in.
let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "agent-keys-examples-"));
});
afterAll(() => rm(cwd, { recursive: true }));

const TOKEN = /eyJ[\w-]+\.[\w-]+/;

async function run(file: string): Promise<{ stdout: string; stderr: string }> {
  const [command, args] = onSources(file);
  const { code, stdout, stderr } = await ended(start(command, args, { cwd }));
  if (code !== 0) throw new Error(stderr);
  expect(stdout + stderr).not.toMatch(TOKEN);
  return { stdout, stderr };
}

const eventsIn = (lines: string): AuditEvent[] =>
  lines
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => auditEvent.parse(JSON.parse(line)));

test("plain.ts", async () => {
  const { stdout } = await run("plain.ts");
  expect(stdout).toContain("repository: agent-keys");
  expect(stdout).toMatch(/audit\.opened\n.*key\.minted\n.*key\.closed\n$/);
  const [, minted, closed] = eventsIn(readFileSync(join(cwd, "agent-keys.audit.jsonl"), "utf8"));
  expect(minted).toMatchObject({ scopes: ["github:repos.read"], grants: [{ expiresIn: 30 }] });
  expect(closed).toMatchObject({ type: "key.closed", outcome: "ok" });
});

test.each(["langchain-agent.ts", "ai-sdk-agent.ts"])("%s", async (file) => {
  const { stdout, stderr } = await run(file);
  expect(stdout).toContain("A-1: the printer is on fire. Replied to A-1.");
  expect(stdout).toContain("Policy does not allow this call (tickets:reply)");
  // The denied call's body never ran.
  expect(stdout).not.toContain("Replied to B-1");
  expect(eventsIn(stderr)).toMatchObject([
    { type: "key.minted", scopes: ["tickets:read"] },
    { type: "key.closed", outcome: "ok" },
    { type: "key.minted", grants: [{ where: { ticketId: "A-1" }, uses: 1 }] },
    { type: "key.closed", outcome: "ok" },
    { type: "key.denied", code: "policy_denied", grants: [{ where: { ticketId: "B-1" } }] },
  ]);
});

test("api-that-accepts-keys.ts", async () => {
  const { stdout } = await run("api-that-accepts-keys.ts");
  expect(stdout.split("\n")).toEqual([
    "/repos/acme/site 200 acme/site, for repo-bot",
    expect.stringMatching(/^\/repos\/other\/site 403 .*"constraint_failed"/),
    "/repos/acme/docs 200 acme/docs, for repo-bot",
    expect.stringMatching(/^\/repos\/acme\/x 401 .*"key_used_up"/),
    "no key 401",
    "",
  ]);
});

test("broker-key-fetch.ts", async () => {
  const { stdout } = await run("broker-key-fetch.ts");
  expect(stdout.split("\n")).toEqual([
    "credential in this process: none",
    "/repos/acme/site 200 this is /repos/acme/site",
    "/repos/other/site 403 constraint_failed",
    "/repos/acme/site/secrets 404 route_unknown",
    "a key from a log, afterwards: 401 key_closed",
    "",
  ]);
});

test("web-route.ts", async () => {
  const { stdout } = await run("web-route.ts");
  expect(stdout).toContain("ada has 3 unread mails.");
  expect(stdout).toContain("bob has 3 unread mails.");
  expect(stdout).toContain("Sign in first.");
  const minted = stdout.match(/^\w+ countMail .*$/gm)?.toSorted();
  expect(minted).toEqual(["ada countMail [ 'mail:read' ]", "bob countMail [ 'mail:read' ]"]);
});

const threeEvents = ["key.minted", "key.closed", "key.denied"];
const recorded = (): string[] =>
  eventsIn(readFileSync(join(cwd, "agent-keys.audit.jsonl"), "utf8")).map(({ type }) => type);

test("pino-sink.ts", async () => {
  const { stdout } = await run("pino-sink.ts");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { level: number; msg: string; audit?: unknown });
  expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
    "30 key.minted",
    "30 the repository is read",
    "30 key.closed",
    "40 key.denied",
    "50 Policy does not allow this call (github:repos.delete).",
  ]);
  const audit = lines.flatMap((line) => line.audit ?? []);
  expect(audit.map((event) => auditEvent.parse(event).type)).toEqual(threeEvents);
  expect(recorded().slice(-3)).toEqual(threeEvents);
});

test("opentelemetry-sink.ts", async () => {
  const { stdout } = await run("opentelemetry-sink.ts");
  const bodies = [...stdout.matchAll(/^ {2}body: '(.*)',$/gm)].map(([, body = ""]) => body);
  expect(eventsIn(bodies.join("\n")).map(({ type }) => type)).toEqual(threeEvents);
  const names = [...stdout.matchAll(/^ {2}eventName: '(.*)',$/gm)].map(([, name]) => name);
  expect(names).toEqual(threeEvents.map((type) => `agent_keys.${type}`));
  expect(stdout.match(/severityNumber: \d+/g)?.at(-1)).toBe("severityNumber: 13");
  expect(recorded().slice(-3)).toEqual(threeEvents);
});
