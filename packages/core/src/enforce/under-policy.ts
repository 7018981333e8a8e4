import { countersOf } from "../counters.ts";
import { durationSeconds } from "../duration.ts";
import { type Grant, isNarrower, meet } from "../grant.ts";
import { type Policy, rulesFor, rulesLeft } from "../policy.ts";
import { type PolicyRule, rateWindow } from "../rate.ts";
import type { WindowCharge } from "../store/store.ts";
import { actors, type Claims, counterOf, toGrants } from "../token/claims.ts";

/** What a policy leaves of one grant of a token. */
export interface EffectiveGrant {
  readonly grant: Grant;
  /** The place in the token of the grant that it is cut from. */
  readonly index: number;
  /** The place in the token of the grant on whose counter its uses are counted. */
  readonly counter: number;
  /**
   * What one use of it is charged to beside the key: the window of the rule that it is cut by, where that
   * has a rate, one for all that it cuts; and the windows of the agents that delegated.
   */
  readonly windows: readonly WindowCharge[];
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
    return grants.map((grant, index) => ({ grant, index, counter: counterAt(index), windows: [] }));
  }
  const lifeMs = Math.round((claims.exp - claims.iat) * 1000);
  const { iss, act } = claims;
  // What the agent's own rule says is charged for it already, and once.
  const delegators = new Set(actors(act).filter((agent) => agent !== act.sub));
  const rules = new Set<PolicyRule>();
  const cut = grants.flatMap((grant, index) => {
    const left = rulesLeft(policy, act.sub, grant.scope).flatMap((rule) => {
      const both = outlives(lifeMs, rule) ? undefined : meet(grant, rule);
      if (both === undefined) return [];
      const own = rateWindow(iss, act.sub, rule);
      const theirs = [...delegators].flatMap((agent) =>
        windowsOf(iss, agent, rulesFor(policy, agent, both.scope), { grant: both, lifeMs }),
      );
      return [{ grant: both, index, rule, windows: own === undefined ? theirs : [own, ...theirs] }];
    });
    return left.filter((one, at) => !isRedundant(one, at, left));
  });
  for (const { rule } of cut) rules.add(rule);
  const own = cut.map(({ index }) =>
    cut.findIndex((other) => counterAt(other.index) === counterAt(index)),
  );
  const left = cut.map(({ grant }) => grant);
  const counters = countersOf(left, [...rules], own);
  return cut.map(({ grant, index, windows }, at) => ({
    grant,
    index,
    windows,
    counter: counterAt(cut[counters[at] ?? at]?.index ?? 0),
  }));
}

/**
 * The windows of an agent that is not the one who acts, and for whom a request is made all the same: of
 * every rule that leaves something of the grant, since which of them the request comes under is not
 * known. None where a rule without a rate leaves the whole of it.
 */
function windowsOf(
  iss: string,
  agent: string,
  rules: readonly PolicyRule[],
  { grant, lifeMs }: { readonly grant: Grant; readonly lifeMs: number },
): readonly WindowCharge[] {
  const isFree = rules.some(
    (rule) => rule.rate === undefined && !outlives(lifeMs, rule) && leavesAll(rule, grant),
  );
  if (isFree) return [];
  const windows = new Map<string, WindowCharge>();
  for (const rule of rules) {
    const window = meet(grant, rule) === undefined ? undefined : rateWindow(iss, agent, rule);
    // A rule that is written twice has one window, and one use is charged to it once.
    if (window !== undefined) windows.set(window.id, window);
  }
  return [...windows.values()];
}

type Cut = Pick<EffectiveGrant, "grant" | "windows">;

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

function isCovered(inner: Cut, outer: Cut): boolean {
  const charged = new Set(inner.windows.map(({ id }) => id));
  return outer.windows.every(({ id }) => charged.has(id)) && leavesAll(outer.grant, inner.grant);
}

/** The life that a rule allows says nothing any more: the key's has been compared with it. */
function leavesAll(ceiling: Grant, grant: Grant): boolean {
  const { expiresIn: _inner, ...child } = grant;
  const { expiresIn: _outer, ...parent } = ceiling;
  return isNarrower(child, parent);
}

/** A rule that names no life bounds none here: the cap of any token does. */
function outlives(lifeMs: number, { expiresIn }: Grant): boolean {
  if (expiresIn === undefined) return false;
  return lifeMs > Math.round((durationSeconds(expiresIn) ?? 0) * 1000);
}
