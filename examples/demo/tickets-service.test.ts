import { type AgentKeys, createAgentKeys, memorySink } from "@agent-keys/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveJwks } from "./serve-jwks.ts";
import { type Started, startService } from "./start-service.ts";

const names = { issuer: "test", audience: "tickets" };
const newKeys = (): AgentKeys =>
  createAgentKeys({ agent: "tester", policy: "allow-all", audit: memorySink(), ...names });

const keys = newKeys();
let tickets: Started<{ url: string }>;
beforeAll(async () => {
  const args = [await serveJwks(() => keys), names.issuer, names.audience];
  tickets = await startService("tickets-service.ts", args);
});
afterAll(async () => {
  await tickets.stop();
});

async function ask(method: string, path: string, authorization?: string) {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(new URL(path, tickets.ready.url), { method, headers });
  const { code } = (await response.json()) as { code?: string };
  return [response.status, code, response.headers.get("www-authenticate")];
}
const bearer = (grant: Parameters<AgentKeys["mint"]>[0], from = keys): string =>
  `Bearer ${from.mint(grant).token}`;

const INVALID = [401, "token_invalid", 'Bearer error="invalid_token"'];
const FORBIDDEN = 'Bearer error="insufficient_scope"';

test("nothing but a key of the issuer it trusts is accepted", async () => {
  const read = "tickets:read";
  const { token } = keys.mint(read);
  expect(await ask("GET", "/tickets")).toEqual(INVALID);
  expect(await ask("GET", "/tickets", "Bearer sk-secret")).toEqual(INVALID);
  expect(await ask("GET", "/tickets", `Basic ${btoa(`x:${token}`)}`)).toEqual(INVALID);
  // Another signing key, under the same issuer's name.
  expect(await ask("GET", "/tickets", bearer(read, newKeys()))).toEqual(INVALID);
  expect(await ask("GET", "/tickets", `Bearer ${token}`)).toEqual([200, undefined, null]);
});

test("a key is good for its scope and within its limits", async () => {
  const denied = await ask("DELETE", "/tickets/A-1", bearer("tickets:read"));
  expect(denied).toEqual([403, "insufficient_scope", FORBIDDEN]);
  const acme = { scope: "tickets:read", where: { customer: "acme" } };
  expect(await ask("GET", "/tickets/A-1", bearer(acme))).toEqual([200, undefined, null]);
  // Neither another customer's ticket, nor whether there is one, nor all of them.
  for (const path of ["/tickets/G-1", "/tickets/G-2", "/tickets", "/tickets?customer=globex"]) {
    expect(await ask("GET", path, bearer(acme))).toEqual([403, "constraint_failed", FORBIDDEN]);
  }
});

test("a use is spent by the request it admits, and no other", async () => {
  const once = bearer({ scope: "tickets:reply", where: { ticketId: "A-1" }, uses: 1 });
  const reply = (id: string) => ask("POST", `/tickets/${id}/replies`, once);
  expect(await reply("A-2")).toEqual([403, "constraint_failed", FORBIDDEN]);
  expect((await reply("A-1"))[0]).toBe(201);
  expect(await reply("A-1")).toEqual([401, "key_used_up", 'Bearer error="invalid_token"']);
});
