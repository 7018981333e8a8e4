import * as z from "zod";
import { isScopePattern, scopeCovers } from "./scope.ts";

/** Which keys a revocation stops. Exactly one member. All but `id` also deny new mints. */
export type RevocationSelector =
  | { readonly id: string }
  | { readonly agent: string }
  | { readonly user: string }
  | { readonly txn: string }
  | { readonly scope: string }
  | { readonly issuer: string }
  | { readonly kid: string }
  | { readonly all: true };

/** A standing revocation. */
export interface Revocation {
  readonly selector: RevocationSelector;
  /** The issuer whose keys are meant. Absent only for what an operator revoked everywhere. */
  readonly iss?: string | undefined;
  readonly reason?: string | undefined;
  /** When, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** What a revocation is matched against: a key, or a mint that asks to become one. */
export interface KeyFacts {
  readonly iss: string;
  /** The ids of the keys that signed it and every key it was delegated from. */
  readonly kids: readonly string[];
  /** The key's own id and those of every key it was delegated from. */
  readonly ids: readonly string[];
  /** Every agent of the actor chain. */
  readonly agents: readonly string[];
  readonly user?: string | undefined;
  readonly txn?: string | undefined;
  /** Its scopes and those of every key it was delegated from. */
  readonly scopes: readonly string[];
}

const text = z.string().min(1).max(256);

/** Exactly one selector, with a scope that may be a pattern. */
export const selectorSchema: z.ZodType<RevocationSelector> = z.union(
  [
    z.strictObject({ id: text }),
    z.strictObject({ agent: text }),
    z.strictObject({ user: text }),
    z.strictObject({ txn: text }),
    z.strictObject({ scope: z.string().refine(isScopePattern) }),
    z.strictObject({ issuer: text }),
    z.strictObject({ kid: text }),
    z.strictObject({ all: z.literal(true) }),
  ],
  { error: () => "must have exactly one of id, agent, user, txn, scope, issuer, kid, all: true" },
);

/** Whether a revocation stops a key. Pure. */
export function isRevokedBy(facts: KeyFacts, revocation: Revocation): boolean {
  if (revocation.iss !== undefined && revocation.iss !== facts.iss) return false;
  return selects(revocation.selector, facts);
}

function selects(selector: RevocationSelector, facts: KeyFacts): boolean {
  if ("id" in selector) return facts.ids.includes(selector.id);
  if ("agent" in selector) return facts.agents.includes(selector.agent);
  if ("user" in selector) return facts.user === selector.user;
  if ("txn" in selector) return facts.txn === selector.txn;
  if ("scope" in selector) return facts.scopes.some((scope) => scopeCovers(selector.scope, scope));
  if ("issuer" in selector) return facts.iss === selector.issuer;
  if ("kid" in selector) return facts.kids.includes(selector.kid);
  return true;
}
