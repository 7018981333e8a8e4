import { AgentKeyError, type AgentKeys, verifyKey, type VerifyKeyOptions } from "@agent-keys/core";
import { createLocalJWKSet, errors, jwtVerify } from "jose";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { AUDIENCE, type Desk, ISSUER, NOW, openDesk } from "./desk.ts";
import { families } from "./mutations.ts";
import { EXPIRED, strictReason } from "./strict-rules.ts";

const MUTANTS = 100_000;
/** Verified at once, so that both cores are busy. */
const BATCH = 250;

let desk: Desk;
const pair = (kid: string) => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const jwk = { ...privateKey.export({ format: "jwk" }), kid };
  return { kid, privateKey, publicKey: createPublicKey(privateKey), jwk };
};
const [current, older, stranger] = [pair("k1"), pair("k2"), pair("k3")];

beforeAll(async () => {
  desk = await openDesk({ signingKey: [current.jwk, older.jwk] });
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Verdicts {
  readonly family: string;
  readonly token: string;
  /** `"served"`, or the code. */
  readonly ours: string;
  /** Whether ours, of `node:crypto`, refuses the signature itself. */
  readonly forged: boolean;
  readonly jose: boolean;
  /** Whether `jose` refuses the signature itself. */
  readonly joseForged: boolean;
  /** Whether `jose` refuses it for its age and for nothing before that. */
  readonly old: boolean;
}

/**
 * `jose` verifies with the algorithm pinned and is told all that it can be told: key set, type,
 * issuer, audience, clock, leeway. What it refuses, we must refuse. Where it accepts and we do not,
 * the design must have a reason, which a second reading of it names, not our own error. And where
 * neither of those speaks against a token, we must accept it: refusing all would be no verifier.
 *
 * `keys.verify` checks signatures with `node:crypto`, which lets it say of each token behind the gate
 * whether it was the signature that it refused: exactly then `jose` must say so too.
 */
test(`${MUTANTS.toLocaleString("en")} mutated tokens: nothing that jose refuses, nothing without a reason`, async () => {
  const random = seeded("tokens/mutated", 20_261_111);
  const source = { tokens: mintedTokens(desk.keys), current, older, stranger };
  const make = Object.entries(families(random, source));
  const table = new Table();
  const facts = { kids: ["k1", "k2"], issuer: ISSUER, audience: AUDIENCE, nowSeconds: NOW / 1000 };
  const faults: string[] = [];
  let forged = 0;
  for (let done = 0; done < MUTANTS; done += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, at) => {
      const [family, mutant] = make[(done + at) % make.length] ?? ["none", () => ""];
      return judge(desk, family, mutant(), done + at);
    });
    for (const verdicts of await Promise.all(batch)) {
      const reason = strictReason(verdicts.token, facts);
      const fault = faultOf(verdicts, reason);
      if (fault !== undefined && faults.length < 5) faults.push(`${fault}: ${verdicts.token}`);
      table.count(verdicts, reason);
      if (verdicts.forged) forged += 1;
    }
  }
  table.print();
  expect(faults).toEqual([]);
  // A body ran for each that was served, and for no other.
  expect(bodies).toBe(table.total("both accept"));
  // What is compared must occur, in every way.
  expect(table.total("both accept")).toBeGreaterThan(MUTANTS * 0.08);
  expect(table.total("only jose accepts")).toBeGreaterThan(MUTANTS * 0.1);
  expect(table.total("both refuse")).toBeGreaterThan(MUTANTS * 0.3);
  expect(table.reasons.size).toBeGreaterThan(20);
  expect(forged).toBeGreaterThan(MUTANTS * 0.1);
});

function faultOf(verdicts: Verdicts, reason: string | undefined): string | undefined {
  const { ours, forged, jose, joseForged, old } = verdicts;
  // Behind the gate both look at the signature before anything else: there they must say the same.
  const gated = reason?.startsWith("gate: ") === true;
  if (forged !== (joseForged && !gated))
    return `signature refused: ${forged}, by jose: ${joseForged}`;
  if (ours === "served" && !jose) return "accepted, and jose refuses it";
  if (ours === "served" && reason !== undefined) return `accepted, against the rule "${reason}"`;
  if (ours !== "served" && jose && reason === undefined) return `refused (${ours}) for no reason`;
  if (ours !== "served" && ours !== "token_invalid" && ours !== "key_expired") return `as ${ours}`;
  // "Expired" is said only of a token that is good but for its age.
  if (ours === "key_expired" && reason !== EXPIRED) return "called expired, and is something else";
  if (ours !== "key_expired" && old && reason === EXPIRED) return "expired, and not called so";
  return undefined;
}

let bodies = 0;

async function judge(
  { keys }: Desk,
  family: string,
  token: string,
  index: number,
): Promise<Verdicts> {
  const { code: ours, why } = await answerOf(() => keys.verify(token));
  if (ours === "served") bodies += 1;
  // The stateless face imports its key set for each token, which is slow: one in ten.
  if (index % 10 < 1) {
    const { code: stateless } = await answerOf(() => verifyKey(token, accepted(keys)));
    if (stateless !== ours) throw new Error(`verify: ${ours}, verifyKey: ${stateless}: ${token}`);
  }
  const jose = await josesVerdict(keys, token);
  return {
    family,
    token,
    ours,
    forged: why === "the signature does not verify",
    jose: jose === "accepted",
    joseForged: jose === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    old: jose === "ERR_JWT_EXPIRED",
  };
}

/** `"served"`, or the code; and what developers are told of the reason. */
async function answerOf(check: () => Promise<unknown>): Promise<{ code: string; why?: unknown }> {
  try {
    await check();
    return { code: "served" };
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return { code: error.code, why: (error.cause as Error | undefined)?.message };
  }
}

function accepted(keys: AgentKeys): VerifyKeyOptions {
  return {
    jwks: keys.jwks(),
    issuer: ISSUER,
    audience: AUDIENCE,
    request: undefined,
    now: () => NOW,
  };
}

let joseKeys: ReturnType<typeof createLocalJWKSet> | undefined;

async function josesVerdict(keys: AgentKeys, token: string): Promise<string> {
  joseKeys ??= createLocalJWKSet(keys.jwks());
  const options = {
    algorithms: ["Ed25519"],
    typ: "agent-key+jwt",
    issuer: ISSUER,
    audience: AUDIENCE,
    clockTolerance: 2,
    currentDate: new Date(NOW),
  };
  try {
    await jwtVerify(token, joseKeys, options);
    return "accepted";
  } catch (error) {
    return error instanceof errors.JOSEError ? error.code : "refused";
  }
}

/** Tokens of every shape that minting gives: limits, users, runs, calls, several grants, ancestors. */
function mintedTokens(keys: AgentKeys): string[] {
  const where = {
    owner: "acme",
    id: { in: ["1", 2, true] },
    amount: { min: 1, max: 5, optional: true },
  } as const;
  const text = {
    path: { prefix: "acme/", suffix: ".md", maxLength: 40 },
    note: { any: true },
  } as const;
  return Array.from({ length: 40 }, (_, at) => {
    const parent = keys.mint(
      [
        { scope: "tickets:read", where, uses: 9 },
        { scope: "tickets:reply", where: text },
      ],
      {
        user: `ada-${at}`,
        txn: "run-\u00e9-\u{1f600}",
      },
    );
    const child = keys.for({ agent: "helper", parent });
    const grandchild = child.mint({ scope: "tickets:read", where: { owner: "acme" }, uses: 2 });
    return [
      keys.mint("tickets:read", { expiresIn: 1 + at }),
      keys.mint(["tickets:read", "desk:admin.users.list"], { user: "ada" }),
      parent,
      grandchild,
      keys.for({ agent: "deep", parent: grandchild }).mint("tickets:read"),
    ].map((key) => key.token);
  }).flat();
}

type Outcome = "both accept" | "only jose accepts" | "only we accept" | "both refuse";

class Table {
  readonly reasons = new Map<string, number>();
  readonly #rows = new Map<string, Record<Outcome, number>>();

  count({ family, ours, jose }: Verdicts, reason: string | undefined): void {
    const row = this.#rows.get(family) ?? {
      "both accept": 0,
      "only jose accepts": 0,
      "only we accept": 0,
      "both refuse": 0,
    };
    this.#rows.set(family, row);
    const weAccept = ours === "served";
    if (weAccept) row[jose ? "both accept" : "only we accept"] += 1;
    else row[jose ? "only jose accepts" : "both refuse"] += 1;
    if (!jose || weAccept) return;
    const why = reason ?? "none";
    this.reasons.set(why, (this.reasons.get(why) ?? 0) + 1);
  }

  total(outcome: Outcome): number {
    return [...this.#rows.values()].reduce((sum, row) => sum + row[outcome], 0);
  }

  print(): void {
    console.table(Object.fromEntries(this.#rows));
    const reasons = [...this.reasons].toSorted(([, a], [, b]) => b - a);
    console.log("tokens/mutated: what jose accepts and we refuse, by the rule that refuses it");
    console.log(
      reasons.map(([reason, count]) => `${String(count).padStart(7)}  ${reason}`).join("\n"),
    );
  }
}
