import * as z from "zod";
import { AgentKey, type SignedClaims } from "./agent-key.ts";
import type { KeyRecord, Outcome, ToolRef } from "./audit/event.ts";
import { type Common, inCommon } from "./audit/fact.ts";
import { argsDigest } from "./audit/canonical.ts";
import type { EgressRecord } from "./broker/reach.ts";
import type { Clock } from "./clock.ts";
import { ambient, type RunContext } from "./context.ts";
import { countersOf } from "./counters.ts";
import { DEFAULT_LIFE_SECONDS, type Duration, durationSeconds } from "./duration.ts";
import { AgentKeyError } from "./errors.ts";
import { constrainedNames, type Grant } from "./grant.ts";
import { describeIssues, GRANT_LIMITS, grantSchema } from "./grant-schema.ts";
import type { Issuer } from "./issuer.ts";
import { decide, rulesFor } from "./policy.ts";
import { type Delegation, delegate } from "./delegation.ts";
import { type CallRecord, keyRecord, refusalRecord } from "./record.ts";
import { randomId } from "./random-id.ts";
import { isScope } from "./scope.ts";
import type { KeyFacts } from "./revocation.ts";
import { requireLive } from "./store/store.ts";
import {
  actors,
  type Claims,
  isIdentifier,
  scopeClaim,
  toDetails,
  TOKEN_MAX_LENGTH,
  TOKEN_VERSION,
} from "./token/claims.ts";
import { signToken } from "./token/sign.ts";
import { isExpired } from "./token/verify.ts";

/** What a scope can be asked for as: a scope, a grant, or a list whose members are alternatives. */
export type GrantInput = string | Grant | readonly (string | Grant)[];

/** Who mints, and for what. */
export interface MintCall {
  readonly agent: string;
  readonly run: RunContext;
  /** The key to delegate from. */
  readonly parent?: AgentKey | undefined;
  readonly tool?: ToolRef | undefined;
  /** The life of grants that name none: seconds, or `"30s"`. Default 10 seconds. */
  readonly expiresIn?: Duration | undefined;
  /** The call's input, to be digested on the record. */
  readonly input?: { readonly value: unknown } | undefined;
  /**
   * Checks the granted against the call's input, and keeps those that allow it.
   *
   * @throws AgentKeyError `constraint_failed` or `constraint_unbound`.
   */
  readonly keepAllowing?: ((granted: readonly Grant[]) => readonly Grant[]) | undefined;
}

/**
 * Mints one key, or refuses: policy, revocation, constraints, and the audit record all have to
 * agree first. Synchronous.
 *
 * @throws AgentKeyError with the code of what refused; the refusal is on the record.
 */
export function mintKey(issuer: Issuer, asking: () => GrantInput, call: MintCall): AgentKey {
  const { lineage, run } = ambient();
  const from = call.parent ?? {
    user: nearest(run.user, lineage?.user, issuer.run.user),
    txn: nearest(run.txn, lineage?.txn, issuer.run.txn),
  };
  const record: { -readonly [K in keyof CallRecord]: CallRecord[K] } = {
    agent: call.agent,
    user: nearest(call.run.user, from.user),
    txn: nearest(call.run.txn, from.txn),
    tool: call.tool,
    parentId: call.parent?.id ?? lineage?.id,
    argsDigest: undefined,
  };
  let grants: readonly Grant[] = [];
  let keyId: string | undefined;
  try {
    requireIdentifiers(record);
    if (call.input !== undefined) {
      record.argsDigest = argsDigest(call.input.value, issuer.auditKey, call.tool?.name);
    }
    const asked = parseGrants(asking(), call.expiresIn);
    grants = asked;
    const delegation = call.parent === undefined ? undefined : delegate(call.parent, record.agent);
    if (delegation !== undefined) stayWithin(issuer, delegation, record, grants);
    requireLive(issuer.store.keys, mintFacts(issuer, record, grants, delegation));
    grants = allowed(issuer, record.agent, grants, delegation);
    if (call.keepAllowing !== undefined) grants = call.keepAllowing(grants);
    requireRoom(grants);
    const claims = buildClaims(issuer, record, { asked, grants }, delegation);
    const signer = issuer.ring.current();
    const token = signToken(claims, signer);
    if (token.length > TOKEN_MAX_LENGTH) {
      throw new AgentKeyError("scope_invalid", { detail: "the grants do not fit into a token" });
    }
    keyId = claims.jti;
    const common = inCommon(keyRecord(issuer, record, grants));
    const expiresAt = new Date(claims.exp * 1000).toISOString();
    const own = { keyId, kid: signer.kid, expiresAt };
    issuer.audit.intent({ type: "key.minted", common, own }, Math.round(claims.iat * 1000));
    return handle(issuer, token, { claims, kid: signer.kid }, common, record.parentId);
  } catch (error) {
    // Once there is an id, some sink may have announced a key that never was.
    const announced = keyId === undefined ? undefined : "audit_unavailable";
    const code = error instanceof AgentKeyError ? error.code : announced;
    if (code !== undefined) {
      const failed = keyId === undefined ? {} : { keyId };
      const common = refusalRecord(issuer, record, grants);
      issuer.audit.refusal({ type: "key.denied", ...common, code, ...failed });
    }
    throw error;
  }
}

/** Not `??`: a user of `null` is a wrong one to be refused, never somebody else. */
function nearest(...stated: readonly (string | undefined)[]): string | undefined {
  return stated.find((text) => text !== undefined);
}

function handle(
  issuer: Issuer,
  token: string,
  signed: SignedClaims,
  common: Common<KeyRecord>,
  parentId: string | undefined,
): AgentKey {
  const startedMs = performance.now();
  const close = (ended: Outcome): void => {
    const { jti: id, iss, exp } = signed.claims;
    const late = (ended === "ok" || ended === "error") && hasExpired(exp, issuer.now);
    try {
      issuer.store.keys.close({ iss, id, expiresAtMs: exp * 1000 });
    } catch {
      // Best effort: `exp` is the guarantee, and the call's result stands whatever the store does.
    }
    issuer.broker?.notices?.closed({ id, exp });
    issuer.audit.outcome({
      type: "key.closed",
      common,
      own: {
        keyId: id,
        outcome: late ? "expired" : ended,
        durationMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
      },
    });
  };
  const reach = issuer.broker?.reach;
  const use = reach && {
    reach,
    egress: egressRecord(issuer, { ...common.members, keyId: signed.claims.jti }),
  };
  return new AgentKey(token, signed, parentId, issuer.now, close, use);
}

/** Which host was refused is the call's argument, and so is not on the record. */
function egressRecord(
  { audit }: Issuer,
  key: KeyRecord & { readonly keyId: string },
): EgressRecord {
  return {
    allowed: (method, service) =>
      audit.intent({ type: "request.allowed", ...key, service, method, route: "*" }),
    refused: (method) => {
      const code = "egress_denied";
      audit.refusal({ type: "request.refused", ...key, method, code, check: "egress" });
    },
  };
}

/** Not known with a clock that fails, which must not change the result of the call. */
function hasExpired(exp: number, now: Clock): boolean {
  try {
    return isExpired(exp, now() / 1000);
  } catch {
    return false;
  }
}

const askedSchema = z.array(grantSchema).min(1).max(GRANT_LIMITS.grants);

/** Validates what was asked for, and gives each grant a life. */
export function parseGrants(
  asked: GrantInput,
  expiresIn: Duration = DEFAULT_LIFE_SECONDS,
): readonly Grant[] {
  // The commonest, of which the schema says no more.
  if (isScope(asked)) return [{ scope: asked, expiresIn }];
  const list: readonly unknown[] = Array.isArray(asked) ? asked : [asked];
  const objects = list.map((one) => (typeof one === "string" ? { scope: one } : one));
  const parsed = askedSchema.safeParse(objects);
  if (!parsed.success) {
    const scopes = objects.map(scopeOf).filter(isScope);
    throw new AgentKeyError("scope_invalid", {
      scopes,
      detail: describeIssues(parsed.error, "grants"),
    });
  }
  return parsed.data.map((grant) => ({ ...grant, expiresIn: grant.expiresIn ?? expiresIn }));
}

function scopeOf(grant: unknown): unknown {
  return typeof grant === "object" && grant !== null && "scope" in grant ? grant.scope : undefined;
}

function allowed(
  issuer: Issuer,
  agent: string,
  asked: readonly Grant[],
  delegation: Delegation | undefined,
): readonly Grant[] {
  const decision = decide(issuer.policy, agent, asked);
  if (!decision.allowed) {
    throw new AgentKeyError("policy_denied", {
      scopes: decision.denied,
      detail: `agent ${JSON.stringify(agent)}: ${decision.reason}`,
    });
  }
  return delegation === undefined ? decision.grants : delegation.narrow(decision.grants);
}

/** What was asked and what policy adds may be more names than a verifier accepts. */
function requireRoom(grants: readonly Grant[]): void {
  if (grants.every((grant) => constrainedNames(grant).length <= GRANT_LIMITS.names)) return;
  throw new AgentKeyError("scope_invalid", {
    scopes: grants.map((grant) => grant.scope),
    detail: `more than ${GRANT_LIMITS.names} constrained names in one grant`,
  });
}

function buildClaims(
  issuer: Issuer,
  { agent, user, txn, tool, argsDigest: args }: CallRecord,
  { asked, grants }: { readonly asked: readonly Grant[]; readonly grants: readonly Grant[] },
  delegation: Delegation | undefined,
): Claims {
  const nowMs = Math.floor(issuer.now());
  const lives = grants.map((grant) => durationSeconds(grant.expiresIn) ?? DEFAULT_LIFE_SECONDS);
  const ownExpiryMs = nowMs + Math.round(Math.min(...lives) * 1000);
  const expMs = Math.min(ownExpiryMs, delegation?.expiresAtMs ?? Infinity);
  if (expMs <= nowMs) throw new AgentKeyError("key_expired");
  const parent = delegation?.parentRef(grants);
  const rules = asked.flatMap(({ scope }) => rulesFor(issuer.policy, agent, scope));
  const counters = countersOf(grants, [...asked, ...new Set(rules)]);
  return {
    v: TOKEN_VERSION,
    iss: issuer.iss,
    aud: issuer.audience,
    sub: user ?? agent,
    act: delegation?.act ?? { sub: agent },
    iat: nowMs / 1000,
    nbf: nowMs / 1000,
    exp: expMs / 1000,
    jti: randomId(),
    ...(txn === undefined ? {} : { txn }),
    ...(tool?.callId === undefined ? {} : { call: tool.callId }),
    // Only together do they tell a call that is made again from another.
    ...(txn === undefined || args === undefined ? {} : { args }),
    scope: scopeClaim(grants),
    authorization_details: toDetails(grants, counters),
    ...(parent === undefined ? {} : { parent }),
  };
}

function mintFacts(
  issuer: Issuer,
  { agent, user, txn }: CallRecord,
  grants: readonly Grant[],
  delegation: Delegation | undefined,
): KeyFacts {
  return {
    iss: issuer.iss,
    kids: [issuer.ring.current().kid, ...(delegation?.kids ?? [])],
    ids: delegation?.ids ?? [],
    agents: delegation === undefined ? [agent] : actors(delegation.act),
    user,
    txn,
    scopes: [...grants.map((grant) => grant.scope), ...(delegation?.scopes ?? [])],
  };
}

/** A delegated key acts for the parent's user and in its run: whatever stops those stops it. */
function stayWithin(
  { ring }: Issuer,
  { user, txn, kids }: Delegation,
  record: CallRecord,
  grants: readonly Grant[],
): void {
  if (kids.some((kid) => ring.find(kid) === undefined)) {
    throw new AgentKeyError("token_invalid", { detail: "the parent's signing key was retired" });
  }
  if (record.user === user && record.txn === txn) return;
  throw new AgentKeyError("policy_denied", {
    scopes: grants.map((grant) => grant.scope),
    detail: "a delegated key keeps the parent's user and txn",
  });
}

function requireIdentifiers({ agent, user, txn, tool }: CallRecord): void {
  const named = { agent, user, txn, "tool name": tool?.name, "tool call id": tool?.callId };
  for (const [name, value] of Object.entries(named)) {
    if (value !== undefined && !isIdentifier(value)) {
      throw new AgentKeyError("input_invalid", { detail: `${name}: must be 1 to 256 characters` });
    }
  }
  // In a token a `sub` that is also who acts means that there is no user.
  if (user === agent) throw new AgentKeyError("input_invalid", { detail: "user: is the agent" });
}
