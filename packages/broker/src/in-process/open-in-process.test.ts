import { createAgentKeys, memorySink } from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, openUpstream, SCOPES, SECRET, secretOf, type Upstream } from "../../test/setup.ts";
import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";

const READ = { scope: "tickets:read", where: { ticketId: { prefix: "T-" } } };

function open(upstream: Upstream) {
  const sink = memorySink();
  const tickets = defineService({
    name: "tickets",
    baseUrl: upstream.url,
    credential: bearer(),
    scopes: SCOPES,
    network: "private",
  });
  const keys = createAgentKeys({
    agent: AGENT,
    policy: { [AGENT]: { allow: [READ, { scope: "tickets:write" }] } },
    services: [tickets],
    secrets: { tickets: secretOf(SECRET) },
    audit: sink,
  });
  return { keys, events: () => sink.events.map(({ type }) => type) };
}

test("the same decisions, without a server", async () => {
  await using upstream = await openUpstream((request, response) => {
    response.end(`seen ${request.headers.authorization ?? ""}`);
  });
  const { keys, events } = open(upstream);
  const key = keys.mint("tickets:read");
  const good = await key.fetch(`${upstream.url}/tickets/T-1`);
  expect(await good.text()).toBe(`seen Bearer ${"*".repeat(SECRET.length)}`);
  expect(upstream.seen[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
  const refused = await key.fetch(`${upstream.url}/tickets/X-1`);
  expect([refused.status, refused.headers.get("agent-keys-code")]).toEqual([
    403,
    "constraint_failed",
  ]);
  const unknown = await key.fetch(`${upstream.url}/nothing`);
  expect(unknown.status).toBe(404);
  expect(upstream.seen).toHaveLength(1);
  expect(events()).toContain("request.completed");
});

test("a closed key, an aborted request and a HEAD", async () => {
  const asked = Promise.withResolvers<void>();
  await using upstream = await openUpstream((request, response) => {
    if (request.method === "HEAD") return void response.end();
    asked.resolve();
  });
  const { keys } = open(upstream);
  const key = keys.mint("tickets:read");
  const head = await key.fetch(`${upstream.url}/tickets/T-1`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const controller = new AbortController();
  const waiting = key.fetch(`${upstream.url}/tickets/T-1`, { signal: controller.signal });
  await asked.promise;
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  key.close();
  await expect(key.fetch(`${upstream.url}/tickets/T-1`)).rejects.toThrow(
    expect.objectContaining({ code: "key_closed" }),
  );
  expect(upstream.seen).toHaveLength(2);
});

test("a body is sent, and an answer that breaks off is an error", async () => {
  await using upstream = await openUpstream((_request, response) => {
    response.writeHead(200);
    response.write("half", () => response.destroy());
  });
  const { keys } = open(upstream);
  const key = keys.mint("tickets:write");
  const init = { method: "POST", body: '{"title":"t","queue":"a"}' };
  const headers = { "content-type": "application/json" };
  const response = await key.fetch(`${upstream.url}/tickets`, { ...init, headers });
  await expect(response.text()).rejects.toThrow("aborted");
  expect(JSON.parse(upstream.seen[0]?.body ?? "")).toEqual({ title: "t", queue: "a" });
});

test("policy that names what a service does not have is wrong when it is loaded", async () => {
  await using upstream = await openUpstream();
  const tickets = defineService({
    name: "tickets",
    baseUrl: upstream.url,
    credential: bearer(),
    scopes: SCOPES,
    network: "private",
  });
  const load = (rule: object, deny: readonly string[] = []): unknown =>
    createAgentKeys({
      agent: AGENT,
      policy: { [AGENT]: { allow: [{ scope: "tickets:read", ...rule }], deny } },
      services: [tickets],
      secrets: { tickets: secretOf(SECRET) },
      audit: memorySink(),
    });
  expect(() => load({ scope: "tickets:raed" })).toThrow(/\.allow\[0\]\.scope: no service has/);
  expect(() => load({ where: { tickedId: "T-1" } })).toThrow(/\.where\.tickedId: no route of/);
  expect(() => load({}, ["tickets:wirte"])).toThrow(/\.deny\[0\]: no service has/);
  // Of a tool that needs no service.
  expect(() => load({ scope: "math:add", where: { a: 1 } }, ["shell:*"])).not.toThrow();
});
