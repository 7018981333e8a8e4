import * as z from "zod";
import type { Grant } from "../grant.ts";
import { GRANT_LIMITS, whereSchema } from "../grant-schema.ts";
import { isScope } from "../scope.ts";

/** The `typ` of every token (RFC 8725 §3.11). */
export const TOKEN_TYPE = "agent-key+jwt";
/** The version of the token's claims. A verifier refuses a version it does not know. */
export const TOKEN_VERSION = 1;
/** How far a verifier's clock may be off, in seconds. */
export const LEEWAY_SECONDS = 2;
/** The longest token a verifier looks at, in characters. */
export const TOKEN_MAX_LENGTH = 16_384;
/** How many delegations may follow each other. */
export const MAX_DELEGATION_DEPTH = 8;

/** Who acts (RFC 8693 §4.1): the outermost `sub` is the agent, inner ones delegated to it. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor | undefined;
}

/** One grant as RFC 9396 authorization details. */
export interface AuthorizationDetail {
  readonly type: "agent_key";
  /** Exactly one concrete scope. */
  readonly actions: readonly [string];
  readonly constraints?: Grant["where"];
  readonly only?: true | undefined;
  readonly uses?: number | undefined;
  /**
   * The index of an earlier detail on whose counter this one's uses are counted, up to its own limit:
   * what was asked for once is used so often, whatever number of rules it was cut by. Default: its own.
   */
  readonly counter?: number | undefined;
}

/** The key a delegated key came from. A use of the child is a use of every ancestor. */
export interface ParentRef {
  readonly iss: string;
  readonly jti: string;
  /** The id of the key that signed it, and its scopes: revoking either reaches the child. */
  readonly kid: string;
  readonly scope: string;
  /** When it was minted and when it expires: a use of the child is charged to it as it is. */
  readonly iat: number;
  readonly exp: number;
  /** For each grant of the child, the counter of the parent's grant it narrows: a grant's index. */
  readonly grants: readonly number[];
  /** For each grant of the child, the use limit of that grant of the parent; `null` for none. */
  readonly uses: readonly (number | null)[];
  readonly parent?: ParentRef | undefined;
}

/** The claims of an agent key. Times are seconds since the epoch, with milliseconds (RFC 7519 §2). */
export interface Claims {
  readonly v: typeof TOKEN_VERSION;
  readonly iss: string;
  /** The one broker or API the key is for. */
  readonly aud: string;
  /** The user the agent acts for, as the issuer asserts it; the agent itself when there is none. */
  readonly sub: string;
  readonly act: Actor;
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  /** 128 random bits. Unique within `iss`: state is keyed by both. */
  readonly jti: string;
  /** The run that the call belongs to. */
  readonly txn?: string | undefined;
  /** The tool call's id. */
  readonly call?: string | undefined;
  /**
   * A keyed digest of the tool's name and the call's arguments together, as on the record. Of a call in a
   * run that is known.
   */
  readonly args?: string | undefined;
  /** The scopes, separated by spaces (RFC 8693 §4.2). */
  readonly scope: string;
  readonly authorization_details: readonly AuthorizationDetail[];
  readonly parent?: ParentRef | undefined;
}

const IDENTIFIER_MAX_LENGTH = 256;

/** A name in a token or on the record: an agent, a user, a run, a call. */
export const identifierSchema: z.ZodType<string> = z
  .string()
  .min(1, "must not be empty")
  .max(IDENTIFIER_MAX_LENGTH, `at most ${IDENTIFIER_MAX_LENGTH} characters`)
  .refine((value) => value.isWellFormed(), "must be well-formed Unicode");

/** What {@link identifierSchema} says, at once where that is plain: every mint asks for five names. */
export function isIdentifier(value: unknown): boolean {
  // As many code points as 16-bit units at most. Which of the two are counted matters from there on.
  if (typeof value === "string" && value.length <= IDENTIFIER_MAX_LENGTH) {
    return value !== "" && value.isWellFormed();
  }
  return identifierSchema.safeParse(value).success;
}

/** HMAC-SHA-256 in base64url. */
const ARGS_DIGEST = /^[\w-]{43}$/;

const seconds = z.number().nonnegative();

// Nested so deep and no deeper: a schema that refers to itself lets a token exhaust the stack.
function actor(delegations: number): z.ZodType<Actor> {
  const sub = identifierSchema;
  if (delegations === 0) return z.strictObject({ sub });
  return z.strictObject({ sub, act: actor(delegations - 1).optional() });
}

function parent(depth: number): z.ZodType<ParentRef> {
  const members = {
    iss: identifierSchema,
    jti: z.string().min(1).max(64),
    kid: z.string().min(1).max(256),
    scope: z.string(),
    iat: seconds,
    exp: seconds,
    grants: z.array(z.int().nonnegative()).max(GRANT_LIMITS.grants),
    uses: z.array(z.int().positive().nullable()).max(GRANT_LIMITS.grants),
  };
  if (depth === 1) return z.strictObject(members);
  return z.strictObject({ ...members, parent: parent(depth - 1).optional() });
}

/** A grant by other names, taken where `grantSchema` takes it: a test holds the two together. */
const detail: z.ZodType<AuthorizationDetail> = z.strictObject({
  type: z.literal("agent_key"),
  actions: z.tuple([z.string().refine(isScope)]),
  constraints: whereSchema.optional(),
  only: z.literal(true).optional(),
  uses: z.int().positive().optional(),
  counter: z.int().nonnegative().optional(),
});

/** Exactly the claims of version 1: an unknown claim, `cnf` among them, refuses the token. */
export const claimsSchema: z.ZodType<Claims> = z
  .strictObject({
    v: z.literal(TOKEN_VERSION),
    iss: identifierSchema,
    aud: identifierSchema,
    sub: identifierSchema,
    act: actor(MAX_DELEGATION_DEPTH),
    iat: seconds,
    nbf: seconds,
    exp: seconds,
    jti: z.string().min(16).max(64),
    txn: identifierSchema.optional(),
    call: identifierSchema.optional(),
    args: z.string().regex(ARGS_DIGEST).optional(),
    scope: z.string(),
    authorization_details: z.array(detail).min(1).max(GRANT_LIMITS.grants),
    parent: parent(MAX_DELEGATION_DEPTH).optional(),
  })
  .refine((claims) => claims.scope === scopeClaim(toGrants(claims)), "scope disagrees")
  .refine((claims) => hasCounters(claims), "a counter is not an earlier grant's own")
  .refine((claims) => fitsParents(claims));

/** A counter is named by the first grant that uses it, so that one counter has one name. */
function hasCounters({ authorization_details: details }: Claims): boolean {
  return details.every(({ uses, counter }, index) => {
    if (counter === undefined) return true;
    const first = details[counter];
    if (uses === undefined || first?.uses === undefined) return false;
    return counter < index && first.counter === undefined;
  });
}

/** The index that a grant's uses are counted under. */
export function counterOf(
  { authorization_details: details }: Pick<Claims, "authorization_details">,
  index: number,
): number {
  return details[index]?.counter ?? index;
}

/**
 * Delegation stays within one issuer, and speaks of every grant at every step. A parent is minted
 * before its child and lives at least as long: a store would lose count of it otherwise.
 */
function fitsParents(claims: Claims): boolean {
  const refs = parentsOf(claims);
  const grants = claims.authorization_details.length;
  return refs.every((ref, index) => {
    const child = refs[index - 1] ?? claims;
    if (ref.iss !== claims.iss || ref.iat > child.iat || ref.exp < child.exp) return false;
    return ref.grants.length === grants && ref.uses.length === grants;
  });
}

/** The keys a key was delegated from, the nearest first. */
export function parentsOf(claims: Pick<Claims, "parent">): readonly ParentRef[] {
  const refs: ParentRef[] = [];
  for (let at = claims.parent; at !== undefined; at = at.parent) refs.push(at);
  return refs;
}

/**
 * The grants as RFC 9396 authorization details. A key's life is in `exp`, not here.
 *
 * @param counters - For each grant, the index that its uses are counted under; by default its own.
 */
export function toDetails(
  grants: readonly Grant[],
  counters: readonly number[] = [],
): readonly AuthorizationDetail[] {
  return grants.map(({ scope, where, only, uses }, index) => {
    const counter = counters[index] ?? index;
    return {
      type: "agent_key",
      actions: [scope],
      ...(where === undefined ? {} : { constraints: where }),
      ...(only === true ? { only } : {}),
      ...(uses === undefined ? {} : { uses }),
      ...(counter === index ? {} : { counter }),
    };
  });
}

/** The inverse of {@link toDetails}, but for the counters. */
export function toGrants(claims: Pick<Claims, "authorization_details">): readonly Grant[] {
  return claims.authorization_details.map(({ actions, constraints, only, uses }) => ({
    scope: actions[0],
    ...(constraints === undefined ? {} : { where: constraints }),
    ...(only === undefined ? {} : { only }),
    ...(uses === undefined ? {} : { uses }),
  }));
}

/** The `scope` claim of a list of grants: each scope once, in order. */
export function scopeClaim(grants: readonly Grant[]): string {
  return [...new Set(grants.map((grant) => grant.scope))].join(" ");
}

/** Whom the agent acts for; `undefined` when it acts for itself. */
export function userOf(claims: Pick<Claims, "sub" | "act">): string | undefined {
  return claims.sub === claims.act.sub ? undefined : claims.sub;
}

/** The agents of an actor chain, the one who acts now first. */
export function actors(act: Actor): readonly [string, ...string[]] {
  const rest: string[] = [];
  for (let at = act.act; at !== undefined; at = at.act) rest.push(at.sub);
  return [act.sub, ...rest];
}
