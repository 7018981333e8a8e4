import {
  AgentKeyError,
  type AgentKeys,
  createAgentKeys,
  type Grant,
  type KeyRequest,
  memorySink,
  memoryStore,
  type Policy,
  type VerifyKeyOptions,
  verifyKey,
} from "@agent-keys/core";
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { type Seeded, seeded } from "../seeded.ts";
import { type Cases, cases } from "./generate.ts";
import { referenceDecision } from "./reference.ts";
import { Tally } from "./tally.ts";

const CASES = 8_000;
const NOW = Date.UTC(2026, 0, 1);
const signingKey = generateKeyPairSync("ed25519").privateKey;

// The whole way: policy, mint, token, a verifying API. The reference knows nothing of any of them.
test(`${CASES.toLocaleString("en")} minted keys let an API serve what was asked and policy allows, no more`, async () => {
  const random = seeded("grants/minted", 20_261_105);
  const make = cases(random);
  const tally = new Tally("grants/minted");
  for (let i = 0; i < CASES; i += 1) await oneCase(random, make, tally);
  tally.print();
  expect(tally.faults).toEqual([]);
  expect(tally.share("mint", "minted")).toBeGreaterThan(0.4);
  expect(tally.share("mint", "policy_denied")).toBeGreaterThan(0.1);
  expect(tally.share("request", "served")).toBeGreaterThan(0.2);
  expect(tally.share("request", "refused")).toBeGreaterThan(0.2);
  expect(tally.share("delegated request", "served")).toBeGreaterThan(0.1);
  expect(tally.share("delegated request", "refused")).toBeGreaterThan(0.2);
});

async function oneCase(random: Seeded, make: Cases, tally: Tally): Promise<void> {
  const names = make.names().filter(isName);
  if (names.length === 0) names.push("owner");
  const rule = make.grant(names);
  const another = (): Grant => (random.chance(0.6) ? make.near(rule, names) : make.grant(names));
  const rules = [rule, ...list(random, another)];
  const asked = list(random, () => concrete(another()));
  const further = list(random, () => concrete(make.near(asked[0] ?? rule, names)));
  const deny = random.chance(0.1) ? ["github:repos.write"] : [];

  const api = open({ bot: { allow: rules, deny }, helper: { allow: rules } });
  if (api === undefined) return tally.count("policy", "not valid");
  const { keys } = api;
  tally.count("policy", "loaded");

  const requests = Array.from({ length: 3 }, () => make.request([...asked, ...rules], names));
  const denied = asked.some(({ scope }) => deny.includes(scope));
  const key = outcome(() => keys.mint(asked));
  if (key instanceof AgentKeyError) {
    tally.count("mint", key.code);
    // Right when a deny pattern matches, or when of one grant asked for nothing is left.
    const allLeft = asked.every((one) =>
      requests.some((request) => allows([one], request) && allows(rules, request)),
    );
    const right = key.code === "policy_denied" ? denied || !allLeft : key.code === "scope_invalid";
    if (!right) tally.wrong("mint", { rules, asked, requests, code: key.code });
    return;
  }
  tally.count("mint", "minted");
  if (denied) tally.wrong("minted what is denied", { rules, asked });
  for (const request of requests) {
    const expected = [asked, rules].every((grants) => allows(grants, request));
    const code = await api.call(key.token, request);
    tally.count("request", code === "served" ? code : "refused");
    if (!isRight(code, expected)) tally.wrong("request", { rules, asked, request, code, expected });
  }

  const child = outcome(() => keys.for({ agent: "helper", parent: key }).mint(further));
  if (child instanceof AgentKeyError) return tally.count("delegation", child.code);
  tally.count("delegation", "minted");
  const request = make.request([...further, ...asked], names);
  const expected = [further, asked, rules].every((grants) => allows(grants, request));
  const code = await api.call(child.token, request);
  tally.count("delegated request", code === "served" ? code : "refused");
  if (!isRight(code, expected)) {
    tally.wrong("delegated request", { rules, asked, further, request, code, expected });
  }
}

interface Api {
  readonly keys: AgentKeys;
  /** `"served"` when the body ran, else why it did not. */
  call(token: string, request: KeyRequest): Promise<string>;
}

/** An issuer under a policy, and an API that accepts its keys. `undefined` for what is no policy. */
function open(policy: Policy): Api | undefined {
  const now = (): number => NOW;
  const names = { issuer: "urn:desk", audience: "urn:api" };
  const store = memoryStore({ now });
  const options = { agent: "bot", policy, signingKey, store, now, audit: memorySink(), ...names };
  let keys: AgentKeys;
  try {
    keys = createAgentKeys(options);
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith("policy")) return undefined;
    throw error;
  }
  const accepted: VerifyKeyOptions = {
    jwks: keys.jwks(),
    request: undefined,
    store,
    now,
    ...names,
  };
  return {
    keys,
    async call(token, request) {
      let bodies = 0;
      let code = "served";
      try {
        await verifyKey(token, { ...accepted, request });
        bodies += 1;
      } catch (error) {
        if (!(error instanceof AgentKeyError)) throw error;
        code = error.code;
      }
      return bodies === 1 ? "served" : code;
    },
  };
}

function isRight(code: string, expected: boolean): boolean {
  return expected ? code === "served" : REFUSALS.has(code);
}

const REFUSALS: ReadonlySet<string> = new Set(["insufficient_scope", "constraint_failed"]);

function allows(grants: readonly Grant[], request: KeyRequest): boolean {
  return referenceDecision(grants, request).code === "allowed";
}

function outcome<T>(mint: () => T): T | AgentKeyError {
  try {
    return mint();
  } catch (error) {
    if (error instanceof AgentKeyError) return error;
    throw error;
  }
}

function list(random: Seeded, make: () => Grant): Grant[] {
  return Array.from({ length: 1 + random.below(2) }, make);
}

function concrete(grant: Grant): Grant {
  return { ...grant, scope: grant.scope.replace("*", "read") };
}

/** What a policy takes as a name. */
function isName(name: string): boolean {
  return name !== "" && name !== "__proto__" && name.isWellFormed();
}
