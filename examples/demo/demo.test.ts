import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, auditEvent } from "@agent-keys/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ended, onSources, type Ran, start } from "../run-script.ts";
import { checkDemo } from "./expected.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-keys-demo-"));
});
afterAll(() => rm(folder, { recursive: true }));

const [node, demo] = onSources("demo/main.ts");
const SERVICE = /another process, (http:\S+)/;
const BROKER = /third process, (http:\S+)/;

describe("npm run demo", () => {
  let ran: Ran;
  let lines: string[];
  let events: AuditEvent[];
  let seconds: number;
  beforeAll(async () => {
    const file = join(folder, "demo.audit.jsonl");
    const started = performance.now();
    ran = await ended(start("npm", ["run", "--silent", "demo", "--", file]));
    seconds = (performance.now() - started) / 1000;
    lines = readFileSync(file, "utf8").trimEnd().split("\n");
    events = lines.map((line) => auditEvent.parse(JSON.parse(line)));
  });

  test("ends well, in under a minute, without a warning", () => {
    expect(ran.stderr).toBe("");
    expect(ran.code).toBe(0);
    expect(seconds).toBeLessThan(60);
  });

  test("puts on record each call, in order, and how it ended", () => {
    const calls = events.flatMap((event) =>
      event.type === "key.closed"
        ? [[event.agent, event.tool?.framework, event.tool?.name, event.outcome]]
        : event.type === "key.denied"
          ? [[event.agent, event.tool?.framework, event.tool?.name, event.code]]
          : [],
    );
    expect(calls).toEqual([
      ["support-bot", "langchain", "get_ticket", "ok"],
      ["support-bot", "langchain", "get_ticket", "error"],
      ["support-bot", "langchain", "delete_ticket", "policy_denied"],
      ["support-bot", "langchain", "reply", "ok"],
      ["report-bot", "ai-sdk", "exportTickets", "expired"],
      ["report-bot", "ai-sdk", "notify", "error"],
      ["report-bot", "ai-sdk", "getTicket", "error"],
      ["report-bot", "ai-sdk", "listTickets", "ok"],
      ["release-bot", "langchain", "read_issues", "ok"],
      ["release-bot", "langchain", "read_issues", "error"],
      ["release-bot", "langchain", "post", "error"],
      ["release-bot", "langchain", "post", "ok"],
    ]);
  });

  test("puts on record each request at the broker, the refused ones too", () => {
    const requests = events.filter((event) => event.type.startsWith("request."));
    const seen = requests.map((event) => ({ ...event, keyId: undefined }));
    expect(seen).toMatchObject([
      { type: "request.allowed", service: "github", route: "/repos/:owner/:repo/issues" },
      { type: "request.completed", service: "github", status: 200 },
      { type: "request.refused", service: "github", code: "constraint_failed" },
      { type: "request.refused", service: "slack", code: "constraint_failed" },
      { type: "request.allowed", service: "slack", route: "/chat.postMessage" },
      { type: "request.completed", service: "slack", status: 200 },
      { type: "request.refused", code: "key_closed" },
    ]);
  });

  test("mints what policy leaves, one key a call", () => {
    const minted = events.filter((event) => event.type === "key.minted");
    const closed = events.filter((event) => event.type === "key.closed");
    expect(minted.map((event) => event.keyId)).toEqual(closed.map((event) => event.keyId));
    expect(new Set(minted.map((event) => event.keyId)).size).toBe(11);
    expect(minted[0]).toMatchObject({
      user: "ada",
      txn: "demo-1",
      grants: [{ scope: "tickets:read", where: { customer: "acme" } }],
    });
    expect(minted[2]).toMatchObject({
      grants: [{ scope: "tickets:reply", where: { ticketId: "A-2", customer: "acme" }, uses: 1 }],
    });
  });

  test("shows what the service refused, and no call of the tool that was denied", () => {
    expect(ran.stdout).toContain("GET /tickets/G-1 -> 403 constraint_failed");
    expect(ran.stdout).toContain("GET /tickets -> 401 key_expired");
    expect(ran.stdout).toContain("POST /tickets/A-1/replies -> 401 key_used_up");
    expect(ran.stdout).toContain("GET /tickets/A-9 -> 404 not_found");
    expect(ran.stdout).toContain("DENIED policy_denied");
    expect(ran.stdout).not.toContain("DELETE");
    expect(ran.stdout).toContain("issues of acme/payroll -> broker: constraint_failed");
    expect(ran.stdout).toContain("message to C-PUBLIC -> broker: constraint_failed");
    expect(ran.stdout).toContain("GET /repos/acme/site/issues -> 401 key_closed");
    // What the model was told, as it repeats it.
    expect(ran.stdout.replaceAll(/\s+/g, " ")).toContain(
      "A-1: AgentKeyError: Policy does not allow this call (tickets:delete).",
    );
  });

  test("prints the record of exactly this run, at 80 columns", () => {
    for (const command of ["ls", "stats", "verify"]) {
      expect(ran.stdout).toContain(`$ agent-keys ${command} --file`);
    }
    expect(ran.stdout).toMatch(/ DENIED .*policy_denied tickets:delete/);
    expect(ran.stdout).toContain("12 calls: 5 ok, 1 denied");
    expect(ran.stdout).toContain("intact");
    expect(ran.stdout).toContain("Checked: every step happened");
    const long = ran.stdout.split("\n").filter((line) => line.length > 80);
    expect(long.filter((line) => !line.includes(folder))).toEqual([]);
  });

  test("shows a token or a credential nowhere", () => {
    for (const text of [ran.stdout, ran.stderr, ...lines]) {
      expect(text).not.toMatch(/eyJ[\w-]+\.[\w-]+|ghp_|xoxb-/);
    }
  });

  test("leaves no process behind", async () => {
    for (const address of [SERVICE, BROKER]) {
      await expect(fetch(address.exec(ran.stdout)?.[1] ?? "")).rejects.toThrow("fetch failed");
    }
  });

  test("would say so if one step had gone otherwise", () => {
    const run = { events, served: [], told: [] };
    expect(() => checkDemo(run)).toThrow("GET /tickets/A-2 200");
    const silent = events.filter((event) => event.type !== "key.denied");
    expect(() => checkDemo({ ...run, events: silent })).toThrow("delete_ticket policy_denied");
  });
});

test("interrupted, the demo takes its service with it", async () => {
  const child = start(node, [...demo, join(folder, "interrupted.audit.jsonl")]);
  const whole = ended(child);
  let seen = "";
  while (!SERVICE.test(seen)) seen += String((await once(child.stdout!, "data"))[0]);
  const [, url = ""] = SERVICE.exec(seen)!;
  expect((await fetch(url)).status).toBe(404);

  child.kill("SIGINT");
  // The service holds the demo's stdout: the end of that is the end of both.
  expect((await whole).signal).toBe("SIGINT");
  await expect(fetch(url)).rejects.toThrow("fetch failed");
});

test("with OPENAI_API_KEY the demo asks a real model, and fails when that refuses", async () => {
  const seen: unknown[] = [];
  const refusing = createServer((request, response) => {
    seen.push([request.url, request.headers.authorization]);
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"error":{"message":"no such account"}}');
  }).listen(0, "127.0.0.1");
  await once(refusing, "listening");
  const { port } = refusing.address() as AddressInfo;
  const env = { OPENAI_API_KEY: "test", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` };

  const ran = await ended(start(node, [...demo, join(folder, "real.audit.jsonl")], { env }));
  refusing.close();
  expect(seen).toEqual([["/v1/chat/completions", "Bearer test"]]);
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("no such account");
  await expect(fetch(SERVICE.exec(ran.stdout)?.[1] ?? "")).rejects.toThrow("fetch failed");
});

test("a file that is there already is left alone", async () => {
  const file = join(folder, "kept.txt");
  await writeFile(file, "keep");
  const ran = await ended(start(node, [...demo, file]));
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("kept.txt exists; name a new file");
  expect(existsSync(file) && readFileSync(file, "utf8")).toBe("keep");
});
