import { countersOf } from "../counters.ts";
import { durationSeconds } from "../duration.ts";
import { type Grant, isNarrower, meet } from "../grant.ts";
import { type Policy, rulesLeft } from "../policy.ts";
import { type PolicyRule, rateWindow } from "../rate.ts";
import type { WindowCharge } from "../store/store.ts";
import { type Claims, counterOf, toGrants } from "../token/claims.ts";

/** What a policy leaves of one grant of a token. */
export interface EffectiveGrant {
  readonly grant: Grant;
  /** The place in the token of the grant that it is cut from. */
  readonly index: number;
  /** The place in the token of the grant on whose counter its uses are counted. */
  readonly counter: number;
  /** The window of the rule that it is cut by, where that has a rate: one for all that it cuts. */
  readonly rate?: WindowCharge | undefined;
}

/**
 * What a token may do where it is used: the meet of each of its grants with each allow rule of its
 * agent's closest entry. A grant that a `deny` matches is dropped, and so is what a rule leaves to a key
 * that lives longer than the rule allows. A rule's `uses` are counted once for the key, however many of
 * its grants the rule cuts. Empty: nothing is allowed. Pure.
 */
export function underPolicy(
  policy: Policy | "allow-all",
  claims: Pick<Claims, "iss" | "act" | "iat" | "exp" | "authorization_details">,
): readonly EffectiveGrant[] {
  const grants = toGrants(claims);
  const counterAt = (index: number): number => counterOf(claims, index);
  if (policy === "allow-all") {
    return grants.map((grant, index) => ({ grant, index, counter: counterAt(index) }));
  }
  const lifeMs = Math.round((claims.exp - claims.iat) * 1000);
  const { iss, act } = claims;
  const rules = new Set<PolicyRule>();
  const cut = grants.flatMap((grant, index) => {
    const left = rulesLeft(policy, act.sub, grant.scope).flatMap((rule) => {
      const both = outlives(lifeMs, rule) ? undefined : meet(grant, rule);
      if (both === undefined) return [];
      return [{ grant: both, index, rule, rate: rateWindow(iss, act.sub, rule) }];
    });
    return left.filter((one, at) => !isRedundant(one, at, left));
  });
  for (const { rule } of cut) rules.add(rule);
  const own = cut.map(({ index }) =>
    cut.findIndex((other) => counterAt(other.index) === counterAt(index)),
  );
  const left = cut.map(({ grant }) => grant);
  const counters = countersOf(left, [...rules], own);
  return cut.map(({ grant, index, rate }, at) => ({
    grant,
    index,
    rate,
    counter: counterAt(cut[counters[at] ?? at]?.index ?? 0),
  }));
}

type Cut = Pick<EffectiveGrant, "grant" | "rate">;

/**
 * Whether another rule leaves the same grant at least as much, as often; of equals the first stays. As
 * when minting: otherwise its uses would be counted together with what the key counts apart.
 */
function isRedundant(one: Cut, at: number, cuts: readonly Cut[]): boolean {
  return cuts.some((other, otherAt) => {
    if (!isCovered(one, other)) return false;
    return otherAt < at || !isCovered(other, one);
  });
}

/** The life that a rule allows says nothing any more: the key's has been compared with it. */
function isCovered(inner: Cut, outer: Cut): boolean {
  if (outer.rate !== undefined && outer.rate.id !== inner.rate?.id) return false;
  const { expiresIn: _inner, ...child } = inner.grant;
  const { expiresIn: _outer, ...parent } = outer.grant;
  return isNarrower(child, parent);
}

/** A rule that names no life bounds none here: the cap of any token does. */
function outlives(lifeMs: number, { expiresIn }: Grant): boolean {
  if (expiresIn === undefined) return false;
  return lifeMs > Math.round((durationSeconds(expiresIn) ?? 0) * 1000);
}
