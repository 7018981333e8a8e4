import { countersOf } from "../counters.ts";
import { durationSeconds } from "../duration.ts";
import { type Grant, meet } from "../grant.ts";
import { type Policy, rulesLeft } from "../policy.ts";
import { type Claims, counterOf, toGrants } from "../token/claims.ts";

/** What a policy leaves of one grant of a token. */
export interface EffectiveGrant {
  readonly grant: Grant;
  /** The place in the token of the grant that it is cut from. */
  readonly index: number;
  /** The place in the token of the grant on whose counter its uses are counted. */
  readonly counter: number;
}

/**
 * What a token may do where it is used: the meet of each of its grants with each allow rule of its
 * agent's closest entry. A grant that a `deny` matches is dropped, and so is what a rule leaves to a key
 * that lives longer than the rule allows. A rule's `uses` are counted once for the key, however many of
 * its grants the rule cuts. Empty: nothing is allowed. Pure.
 */
export function underPolicy(
  policy: Policy | "allow-all",
  claims: Pick<Claims, "act" | "iat" | "exp" | "authorization_details">,
): readonly EffectiveGrant[] {
  const grants = toGrants(claims);
  const counterAt = (index: number): number => counterOf(claims, index);
  if (policy === "allow-all") {
    return grants.map((grant, index) => ({ grant, index, counter: counterAt(index) }));
  }
  const lifeMs = Math.round((claims.exp - claims.iat) * 1000);
  const rules = new Set<Grant>();
  const cut = grants.flatMap((grant, index) =>
    rulesLeft(policy, claims.act.sub, grant.scope).flatMap((rule) => {
      const left = outlives(lifeMs, rule) ? undefined : meet(grant, rule);
      if (left === undefined) return [];
      rules.add(rule);
      return [{ grant: left, index }];
    }),
  );
  const own = cut.map(({ index }) =>
    cut.findIndex((other) => counterAt(other.index) === counterAt(index)),
  );
  const left = cut.map(({ grant }) => grant);
  const counters = countersOf(left, [...rules], own);
  return cut.map((one, at) => ({
    ...one,
    counter: counterAt(cut[counters[at] ?? at]?.index ?? 0),
  }));
}

/** A rule that names no life bounds none here: the cap of any token does. */
function outlives(lifeMs: number, { expiresIn }: Grant): boolean {
  if (expiresIn === undefined) return false;
  return lifeMs > Math.round((durationSeconds(expiresIn) ?? 0) * 1000);
}
