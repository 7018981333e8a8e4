import { AgentKeyError } from "../errors.ts";
import { underPolicy } from "../enforce/under-policy.ts";
import type { Grant } from "../grant.ts";
import type { Policy } from "../policy.ts";
import { checkRequest, type KeyRequest } from "../request.ts";
import type { KeyFacts } from "../revocation.ts";
import { isScope } from "../scope.ts";
import type { UseCounter } from "../store/store.ts";
import { actors, type Claims, parentsOf, toGrants, userOf } from "./claims.ts";
import { peekUse, reserveUse, usableGrants } from "./uses.ts";

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
  /**
   * A digest of the tool's name and that call's arguments together, keyed by the issuer, where its run is
   * known: with `iss`, `agent`, `user` and `txn` it names the same call made again, as an idempotency key
   * should.
   */
  readonly argsDigest: string | undefined;
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
   * `false`: a use must be left, and is left. Needs a `request`. It is spent whatever comes of the
   * request: a call that is made again, with a new key, is admitted again, and told apart by
   * {@link VerifiedKey.argsDigest}.
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
 * @param policy - The ceiling: evaluated again here, as a broker does, for what the key may do and how
 * often. Default: none.
 * @throws AgentKeyError `policy_denied`, `insufficient_scope`, `constraint_failed`, `key_used_up`,
 * `use_unknown`, `rate_exceeded`, `uses_unenforceable` or `store_unavailable`.
 */
export async function admit(
  claims: Claims,
  { request, consume = false }: Admission,
  uses: UseCounter | undefined,
  policy: Policy | "allow-all" = "allow-all",
): Promise<VerifiedKey> {
  const grants = toGrants(claims);
  if (request === undefined) return describe(claims, grants, undefined);

  const effective = underPolicy(policy, claims);
  const left = effective.map(({ grant }) => grant);
  const decision = checkRequest(left, request);
  if (!decision.allowed) throw refusal(grants, request);
  const usable = usableGrants(claims, effective, decision.grants);
  const one = async (): Promise<number> => {
    if (!consume) return await peekUse(usable, uses);
    const { index, reservation } = await reserveUse(usable, uses);
    // What becomes of it only who asks knows: outstanding calls of others are minded, and none is begun.
    await reservation.commit();
    return index;
  };
  const used = effective[await one()];
  return describe(claims, grants, used && grants[used.index]);
}

/** Of a request that nothing left of the key allows: `policy_denied` when the key itself would. */
function refusal(grants: readonly Grant[], request: KeyRequest): AgentKeyError {
  const own = checkRequest(grants, request);
  if (own.allowed) return new AgentKeyError("policy_denied", { scopes: [request.scope] });
  const scopes = scopesOf(grants);
  if (own.code === "insufficient_scope") {
    // Not in the message: whoever asks for a scope need not know what it is called.
    const needed = isScope(request.scope) ? request.scope : "what is no scope";
    const detail = `the request needs ${needed}; the key is for ${scopes.join(", ")}`;
    return new AgentKeyError("insufficient_scope", { detail });
  }
  const detail = `not allowed by any grant: ${own.failed.join(", ")}`;
  return new AgentKeyError(own.code, { scopes, detail });
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
    argsDigest: claims.args,
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
