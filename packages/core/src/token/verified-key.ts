import { AgentKeyError } from "../errors.ts";
import type { Grant } from "../grant.ts";
import { checkRequest, type KeyRequest } from "../request.ts";
import type { KeyFacts } from "../revocation.ts";
import type { UseCounter } from "../store/store.ts";
import { actors, type Claims, parentsOf, toGrants, userOf } from "./claims.ts";
import { chargesFor, peekUse, reserveUse } from "./uses.ts";

/** A key whose token was read and found good, as the verifier knows it. */
export interface VerifiedKey {
  readonly id: string;
  readonly iss: string;
  /** Who acts. */
  readonly agent: string;
  /** The agents that delegated to `agent`, the nearest first. */
  readonly delegatedBy: readonly string[];
  /** Whom the agent acts for; `undefined` when it acts for itself. */
  readonly user: string | undefined;
  readonly txn: string | undefined;
  /** The id of the tool call that the key was minted for. */
  readonly callId: string | undefined;
  readonly scopes: readonly string[];
  readonly grants: readonly Grant[];
  readonly expiresAt: Date;
  /** The id of the key this one was delegated from. */
  readonly parentId: string | undefined;
  /** The grant that allows the request; `undefined` when no request was given. */
  readonly grant: Grant | undefined;
}

/** What somebody wants to do, and whether doing it spends a use. */
export interface Admission {
  /** The request that one grant of the key must allow. Without it only the token is verified. */
  readonly request?: KeyRequest | undefined;
  /**
   * Spends a use of the grant, where it has a limit: `true` where the request is admitted. Default
   * `false`: a use must be left, and is left. Needs a `request`.
   */
  readonly consume?: boolean | undefined;
}

/** @throws TypeError when a use would be spent for no request. */
export function requireAdmission({ request, consume }: Admission): void {
  if (consume === true && request === undefined) {
    throw new TypeError("consume: needs the request that it is spent for");
  }
}

/**
 * Decides whether a key may do what is asked, and spends a use for it. A grant without a use limit
 * is preferred to one with.
 *
 * @throws AgentKeyError `insufficient_scope`, `constraint_failed`, `key_used_up`, `use_unknown`,
 * `uses_unenforceable` or `store_unavailable`.
 */
export async function admit(
  claims: Claims,
  { request, consume = false }: Admission,
  uses: UseCounter | undefined,
): Promise<VerifiedKey> {
  const grants = toGrants(claims);
  if (request === undefined) return describe(claims, grants, undefined);

  const decision = checkRequest(grants, request);
  if (!decision.allowed) {
    const detail = `not allowed by any grant: ${decision.failed.join(", ") || "scope"}`;
    const scopes = decision.code === "insufficient_scope" ? [] : scopesOf(grants);
    throw new AgentKeyError(decision.code, { scopes, detail });
  }
  const candidates = decision.grants.map((index) => ({ index, due: chargesFor(claims, index) }));
  if (!consume) return describe(claims, grants, grants[await peekUse(candidates, uses)]);
  const { index, reservation } = await reserveUse(candidates, uses);
  await reservation.commit();
  return describe(claims, grants, grants[index]);
}

/** What revocations and closings are matched against: a key is dead with any of its ancestors. */
export function factsOf(claims: Claims, kid: string): KeyFacts {
  const parents = parentsOf(claims);
  return {
    iss: claims.iss,
    kids: [kid, ...parents.map((ref) => ref.kid)],
    ids: [claims.jti, ...parents.map((ref) => ref.jti)],
    agents: actors(claims.act),
    user: userOf(claims),
    txn: claims.txn,
    scopes: [claims.scope, ...parents.map((ref) => ref.scope)].flatMap((list) => list.split(" ")),
  };
}

function describe(claims: Claims, grants: readonly Grant[], grant: Grant | undefined): VerifiedKey {
  const [agent, ...delegatedBy] = actors(claims.act);
  return {
    id: claims.jti,
    iss: claims.iss,
    agent,
    delegatedBy,
    user: userOf(claims),
    txn: claims.txn,
    callId: claims.call,
    scopes: scopesOf(grants),
    grants,
    expiresAt: new Date(claims.exp * 1000),
    parentId: claims.parent?.jti,
    grant,
  };
}

function scopesOf(grants: readonly Grant[]): readonly string[] {
  return [...new Set(grants.map((grant) => grant.scope))];
}
