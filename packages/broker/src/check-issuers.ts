import { createPublicKey, type JsonWebKey } from "node:crypto";
import type { Policy, VerifyKeyOptions } from "@agent-keys/core";
import {
  issuerKeys,
  parsePolicy,
  requireKnown,
  type TokenAlgorithm,
} from "@agent-keys/core/enforce";
import { type Described, requireKnownNames } from "./check-policy.ts";
import type { BrokerOptions, IssuerOptions } from "./config.ts";
import type { RegisteredIssuer } from "./engine/issuers.ts";

/**
 * The issuers, each with keys that can be used and a policy that has an effect.
 *
 * @throws TypeError naming the one that is wrong, and what in it.
 */
export function checkIssuers(
  issuers: BrokerOptions["issuers"],
  services: readonly Described[],
): ReadonlyMap<string, RegisteredIssuer> {
  if (typeof issuers !== "object" || issuers === null || Object.keys(issuers).length === 0) {
    throw wrong("issuers", "is empty: nobody's keys would be accepted");
  }
  return new Map(
    Object.entries(issuers).map(([iss, issuer]) => [iss, checkIssuer(iss, issuer, services)]),
  );
}

function checkIssuer(
  iss: string,
  options: IssuerOptions,
  services: readonly Described[],
): RegisteredIssuer {
  const path = `issuers[${JSON.stringify(iss)}]`;
  requireKnown(`${path}.`, options, ["jwks", "agents", "policy", "algorithm"]);
  const { jwks, agents, algorithm = "Ed25519" } = options;
  if (!Array.isArray(agents) || agents.length === 0 || !agents.every(isAgent)) {
    throw wrong(`${path}.agents`, "must be a list of names; `*` may only end one");
  }
  if (algorithm !== "Ed25519" && algorithm !== "EdDSA") {
    throw wrong(`${path}.algorithm`, 'must be "Ed25519" or "EdDSA"');
  }
  if (options.policy === undefined) {
    throw wrong(`${path}.policy`, 'is missing; "allow-all" must be written');
  }
  const policy = explained(() => parsePolicy(options.policy), path);
  requireKnownNames(policy, services, `${path}.policy`);
  requireOneAnother(agents, policy, path);
  if (typeof jwks === "object" && !(jwks instanceof URL)) {
    requireUsableKeys(jwks, algorithm, `${path}.jwks`);
  }
  return { iss, findKey: issuerKeys(jwks, `${path}.jwks`), algorithm, agents, policy };
}

function isAgent(name: unknown): boolean {
  return typeof name === "string" && name !== "" && !name.slice(0, -1).includes("*");
}

function explained<T>(parse: () => T, path: string): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`${path}.${error.message}`) : error;
  }
}

/** An agent without policy could do nothing, and policy for nobody has no effect: one is misspelt. */
function requireOneAnother(
  agents: readonly string[],
  policy: Policy | "allow-all",
  path: string,
): void {
  if (policy === "allow-all") return;
  const entries = Object.keys(policy);
  const alone = agents.find((agent) => !entries.some((entry) => overlap(agent, entry)));
  if (alone !== undefined) {
    throw wrong(`${path}.agents`, `no entry of the policy is about ${JSON.stringify(alone)}`);
  }
  const idle = entries.find((entry) => !agents.some((agent) => overlap(agent, entry)));
  if (idle !== undefined) {
    throw wrong(`${path}.policy[${JSON.stringify(idle)}]`, "is about none of the issuer's agents");
  }
}

/** Whether there is a name that both stand for. */
function overlap(a: string, b: string): boolean {
  const [stemA, stemB] = [a, b].map((one) => (one.endsWith("*") ? one.slice(0, -1) : undefined));
  if (stemA !== undefined && stemB !== undefined) {
    return stemA.startsWith(stemB) || stemB.startsWith(stemA);
  }
  if (stemA !== undefined) return b.startsWith(stemA);
  return stemB === undefined ? a === b : a.startsWith(stemB);
}

type Jwks = Exclude<VerifyKeyOptions["jwks"], string | URL>;

/** A key that cannot be used would be noticed when the first token that it signed is refused. */
function requireUsableKeys(jwks: Jwks, algorithm: TokenAlgorithm, path: string): void {
  if (jwks.keys.length === 0) throw wrong(path, "has no key");
  const kids = new Set<string>();
  for (const [index, jwk] of jwks.keys.entries()) {
    const at = `${path}.keys[${index}]`;
    const { kid, kty, crv, alg, use } = jwk;
    if (typeof kid !== "string" || kid === "") throw wrong(at, "has no kid");
    if (kids.has(kid)) throw wrong(at, `has the kid of another: ${JSON.stringify(kid)}`);
    kids.add(kid);
    if (kty !== "OKP" || crv !== "Ed25519") {
      throw wrong(at, 'is no Ed25519 key: kty must be "OKP" and crv "Ed25519"');
    }
    if ("d" in jwk) throw wrong(at, "is a private key; register what keys.jwks() gives");
    if (alg !== undefined && alg !== algorithm) {
      throw wrong(at, `has alg ${JSON.stringify(alg)}, and the issuer's algorithm is ${algorithm}`);
    }
    if (use !== undefined && use !== "sig") throw wrong(at, 'has a use that is not "sig"');
    requireImported(jwk, at);
  }
}

function requireImported(key: JsonWebKey, at: string): void {
  try {
    createPublicKey({ key, format: "jwk" });
  } catch {
    throw wrong(at, "cannot be read: x must be 32 bytes, as base64url");
  }
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`createBroker: ${option}: ${what}`);
}
