import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgentKeys, memorySink, memoryStore } from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, SCOPES, secretOf } from "../test/setup.ts";
import { type BrokerOptions, defineConfig } from "./config.ts";
import { createBroker } from "./create-broker.ts";
import { bearer } from "./service/credential.ts";
import { defineService } from "./service/define-service.ts";
import type { Service } from "./service/service.ts";

const tickets = defineService({
  name: "tickets",
  baseUrl: "https://tickets.example",
  credential: bearer(),
  scopes: SCOPES,
}) as unknown as Service;

const jwks = createAgentKeys({ agent: AGENT, policy: "allow-all", audit: memorySink() }).jwks();

const good: BrokerOptions = {
  issuers: { [ISSUER]: { jwks, agents: [AGENT], policy: "allow-all" } },
  services: [tickets],
  secrets: { tickets: secretOf("a-secret-1234") },
  port: 0,
  audit: memorySink(),
};

const issuer = (changes: object): object => ({
  issuers: { [ISSUER]: { jwks, agents: [AGENT], policy: "allow-all", ...changes } },
});

const allow = (rule: object): object => issuer({ policy: { [AGENT]: { allow: [rule] } } });

test.each<readonly [string, object, string]>([
  ["an unknown option", { secret: {} }, "createBroker: secret: not an option"],
  ["no issuer", { issuers: {} }, "issuers: is empty"],
  [
    "an unknown option of an issuer",
    issuer({ agent: "x" }),
    'issuers["https://agents.example"].agent',
  ],
  ["an issuer without agents", issuer({ agents: [] }), ".agents: must be a list"],
  ["a star in the middle", issuer({ agents: ["a*b"] }), ".agents: must be a list"],
  ["no policy", issuer({ policy: undefined }), ".policy: is missing"],
  ["half a policy", issuer({ policy: "allow" }), 'the only text it may be is "allow-all"'],
  ["an http JWKS", issuer({ jwks: "http://agents.example/jwks" }), "must be an https URL"],
  ["an algorithm", issuer({ algorithm: "HS256" }), ".algorithm: must be"],
  ["a scope no service has", allow({ scope: "tickets:raed" }), ".allow[0].scope: no service has"],
  ["a pattern no service has", allow({ scope: "github:*" }), ".allow[0].scope: no service has"],
  [
    "a parameter that no route of the scope has",
    allow({ scope: "tickets:read", where: { title: "x" } }),
    ".allow[0].where.title: no route of tickets:read",
  ],
  [
    "a misspelt deny",
    issuer({ policy: { [AGENT]: { allow: [], deny: ["tickets:wirte"] } } }),
    ".deny[0]: no service has",
  ],
  ["no service", { services: [] }, "services: is empty"],
  ["two services of one name", { services: [tickets, tickets] }, "two are called tickets"],
  ["a service without a secret", { secrets: {} }, "secrets.tickets: is missing"],
  [
    "a secret for no service",
    { secrets: { tickets: secretOf("x"), github: secretOf("x") } },
    "github",
  ],
  ["an address beyond loopback", { host: "0.0.0.0" }, "host: is not loopback"],
  ["a name beyond loopback", { host: "broker.example" }, "host: is not loopback"],
  ["no audit", { audit: [] }, "audit: needs at least one sink"],
  ["a port", { port: 70_000 }, "port: is no port"],
  ["an unknown limit", { limits: { bytes: 1 } }, "limits.bytes: not an option"],
  ["a limit of nothing", { limits: { bodyBytes: 0 } }, "limits.bodyBytes: must be a positive"],
  ["a url that is read on the way", { url: "http://broker.example" }, "url: must be an https URL"],
  [
    "a url that is read on the way to what ends TLS",
    { url: "http://10.0.0.1", behindTls: true },
    "url: must be an https URL",
  ],
  ["a url with a path", { url: "https://b.example/x" }, "url: must be an origin"],
  ["a short audit key", { auditKey: new Uint8Array(8) }, "auditKey: must be at least 32 bytes"],
  [
    "a file for a store that needs none",
    { revocationsFile: "x", store: { ...memoryStore(), close: async () => undefined } },
    "revocationsFile: is for a store that forgets",
  ],
  ["one redacted name", { redact: "user" }, "redact: must be a list"],
])("%s is wrong when it is loaded", (_name, changes, message) => {
  expect(() => createBroker({ ...good, ...changes })).toThrow(message);
});

test("what is right is loaded, and a config is what was given", async () => {
  expect(defineConfig(good)).toBe(good);
  const path = join(mkdtempSync(join(tmpdir(), "broker-")), "revocations.jsonl");
  const options = {
    ...good,
    ...allow({ scope: "tickets:*", where: { ticketId: { any: true, optional: true } } }),
    revocationsFile: path,
    url: "https://broker.example",
  };
  await using broker = createBroker(options);
  expect(await broker.listen()).toEqual({ url: "https://broker.example" });
});

test("beyond loopback, what is in front may end TLS", async () => {
  await using broker = createBroker({ ...good, host: "0.0.0.0", behindTls: true });
  expect((await broker.listen()).url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/);
});
