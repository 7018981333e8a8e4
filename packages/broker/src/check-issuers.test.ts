import { generateKeyPairSync } from "node:crypto";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { expect, test } from "vitest";
import { AGENT, ISSUER, SCOPES, secretOf } from "../test/setup.ts";
import type { BrokerOptions } from "./config.ts";
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
const { keys } = createAgentKeys({ agent: AGENT, policy: "allow-all", audit: memorySink() }).jwks();
const [key] = keys;
const privateKey = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });

function load(issuer: object): unknown {
  const whole = { jwks: { keys }, agents: [AGENT], policy: "allow-all", ...issuer };
  const options = {
    issuers: { [ISSUER]: whole },
    services: [tickets],
    secrets: { tickets: secretOf("a-secret-1234") },
    audit: memorySink(),
  } as BrokerOptions;
  return createBroker(options);
}

test.each<readonly [string, readonly object[], string]>([
  ["no key", [], ".jwks: has no key"],
  ["a key without a name", [{ ...key, kid: undefined }], ".jwks.keys[0]: has no kid"],
  ["two of one name", [{ ...key }, { ...key }], ".jwks.keys[1]: has the kid of another"],
  ["a key of another kind", [{ ...rsa, kid: "a" }], ".jwks.keys[0]: is no Ed25519 key"],
  ["a key on another curve", [{ ...key, crv: "X25519" }], ".jwks.keys[0]: is no Ed25519 key"],
  ["a private key", [{ ...privateKey, kid: "a" }], ".jwks.keys[0]: is a private key"],
  ["a key that is none", [{ ...key, x: "AAAA" }], ".jwks.keys[0]: cannot be read"],
  ["another algorithm", [{ ...key, alg: "EdDSA" }], "the issuer's algorithm is Ed25519"],
  ["another use", [{ ...key, use: "enc" }], 'has a use that is not "sig"'],
])("a JWKS with %s is wrong when it is loaded", (_name, list, message) => {
  expect(() => load({ jwks: { keys: list } })).toThrow(TypeError);
  expect(() => load({ jwks: { keys: list } })).toThrow(message);
  expect(() => load({ jwks: { keys: list } })).not.toThrow(String(privateKey.d));
});

const reads = { allow: [{ scope: "tickets:read" }] };

test.each<readonly [string, readonly string[], readonly string[], string]>([
  ["an agent without policy", ["a", "b"], ["a"], '.agents: no entry of the policy is about "b"'],
  [
    "a pattern without",
    ["a", "bot-*"],
    ["a", "bot"],
    '.agents: no entry of the policy is about "bot-*"',
  ],
  ["policy for nobody", ["a"], ["a", "b"], '.policy["b"]: is about none of the issuer'],
  ["a pattern for nobody", ["a"], ["a", "bot-*"], '.policy["bot-*"]: is about none of the issuer'],
])("%s is wrong when it is loaded", (_name, agents, entries, message) => {
  const policy = Object.fromEntries(entries.map((entry) => [entry, reads]));
  expect(() => load({ agents, policy })).toThrow(message);
});

test.each<readonly [readonly string[], readonly string[]]>([
  [["a"], ["*"]],
  [["*"], ["a"]],
  [["bot-*"], ["bot-a-*", "bot-b"]],
  [
    ["bot-a", "bot-b"],
    ["bot-*", "*"],
  ],
])("agents %j and entries for %j are about one another", (agents, entries) => {
  const policy = Object.fromEntries(entries.map((entry) => [entry, reads]));
  expect(() => load({ agents, policy })).not.toThrow();
});
