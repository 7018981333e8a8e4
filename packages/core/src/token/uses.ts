import type { EffectiveGrant } from "../enforce/under-policy.ts";
import { canonicalJson } from "../audit/canonical.ts";
import { MAX_LIFE_SECONDS } from "../duration.ts";
import { AgentKeyError } from "../errors.ts";
import {
  type Charge,
  chargeId,
  isReserved,
  type Reservation,
  type ReserveRefusal,
  storeError,
  type UseCounter,
} from "../store/store.ts";
import { type Claims, LEEWAY_SECONDS, parentsOf, toGrants } from "./claims.ts";

/** A grant that allows a request, and what one use of it is charged to. */
export interface UsableGrant {
  /** The caller's own number for it. */
  readonly index: number;
  /** Empty for a grant that may be used without limit. */
  readonly due: readonly Charge[];
}

/** A use that was set aside, and of which grant. */
export interface ReservedUse {
  readonly index: number;
  readonly reservation: Reservation;
}

type Charged = Pick<Claims, "iss" | "jti" | "iat" | "exp">;

/**
 * The grants of a key that allow a request, each with what one use of it is charged to. Where one that
 * allows a single use is among them, all with a limit are charged to the intent of the call: what it may
 * have done, it does not do again under the next of its grants.
 *
 * @param effective - What a policy leaves of the key.
 * @param allowing - Which of these allow the request: their places.
 */
export function usableGrants(
  claims: Claims,
  effective: readonly EffectiveGrant[],
  allowing: readonly number[],
): readonly UsableGrant[] {
  const usable = allowing.flatMap((index) => {
    const one = effective[index];
    return one === undefined ? [] : [{ index, one }];
  });
  const ids = usable.flatMap(({ one }) => (one.grant.uses === 1 ? intentIds(claims, one) : []));
  // So much longer than the key: in that time something may have been sent, and a new key asks again.
  const expiresAtMs = Math.round((claims.exp + LEEWAY_SECONDS + MAX_LIFE_SECONDS) * 1000);
  const intents = [...new Set(ids)].map((id): Charge => ({ kind: "intent", id, expiresAtMs }));
  return usable.map(({ index, one }) => ({
    index,
    due: [...chargesFor(claims, one), ...(one.grant.uses === undefined ? [] : intents)],
  }));
}

/**
 * What a call is known by when it is made again, under a new key: whose it is, the run, the tool with
 * its arguments, and the grant whose uses are counted. None where no run or no arguments are known.
 */
function intentIds(claims: Claims, { counter }: EffectiveGrant): readonly string[] {
  const { iss, act, sub, txn, args } = claims;
  const grant = toGrants(claims)[counter];
  if (txn === undefined || args === undefined || grant === undefined) return [];
  return [JSON.stringify(["intent", iss, act.sub, sub, txn, canonicalJson(grant), args])];
}

/**
 * Everything that one use of a grant is charged to: the key's own counter and its ancestors', and the
 * windows of the rule that allows it and of the agents that delegated.
 */
export function chargesFor(
  claims: Claims,
  { index, grant: { uses }, counter, windows }: EffectiveGrant,
): readonly Charge[] {
  const due: Charge[] = [];
  // Each by its own dates: by the child's, a store would take a spent parent for a fresh one.
  const charge = (key: Charged, grant: number, most: number | null | undefined): void => {
    if (typeof most !== "number") return;
    const id = chargeId(key.iss, key.jti, grant);
    const mintedAtMs = Math.round(key.iat * 1000);
    const expiresAtMs = Math.round((key.exp + LEEWAY_SECONDS) * 1000);
    due.push({ kind: "uses", id, limit: most, mintedAtMs, expiresAtMs });
  };
  charge(claims, counter, uses);
  for (const ref of parentsOf(claims)) charge(ref, ref.grants[index] ?? 0, ref.uses[index]);
  return [...due, ...windows];
}

/**
 * Sets a use aside for a request, of the first grant that has one left; one without a limit is
 * preferred. Commit it once its result is known, release it only when nothing was sent, and do neither
 * when nobody knows.
 *
 * @throws AgentKeyError `key_used_up`, `use_unknown`, `rate_exceeded`, `uses_unenforceable` or
 * `store_unavailable`; so do `commit` and `release`, with the last.
 */
export function reserveUse(
  usable: readonly UsableGrant[],
  counter: UseCounter | undefined,
): Promise<ReservedUse> {
  return firstUsable(usable, counter, async (due, count) => {
    const outcome = await count.reserve(due);
    return isReserved(outcome) ? guarded(outcome) : outcome;
  });
}

/** Whether a use is left, as {@link reserveUse} would find it. Returns the grant's number. */
export async function peekUse(
  usable: readonly UsableGrant[],
  counter: UseCounter | undefined,
): Promise<number> {
  const { index } = await firstUsable(usable, counter, async (due, count) => {
    const outcome = await count.peek(due);
    return outcome === "available" ? UNCOUNTED : outcome;
  });
  return index;
}

async function firstUsable(
  usable: readonly UsableGrant[],
  counter: UseCounter | undefined,
  ask: (due: readonly Charge[], counter: UseCounter) => Promise<Reservation | ReserveRefusal>,
): Promise<ReservedUse> {
  const free = usable.find(({ due }) => due.length === 0);
  if (free !== undefined) return { index: free.index, reservation: UNCOUNTED };
  if (counter === undefined) throw new AgentKeyError("uses_unenforceable");
  const refusals: ReserveRefusal[] = [];
  for (const { index, due } of usable) {
    // One after the other on purpose: the next grant is charged only if this one was not.
    const outcome = await orStoreError(() => ask(due, counter));
    if (isReserved(outcome)) return { index, reservation: outcome };
    if (!isRefusal(outcome)) {
      throw new AgentKeyError("store_unavailable", { detail: "an answer of no known kind" });
    }
    refusals.push(outcome);
  }
  throw refusedFor(refusals);
}

function isRefusal(outcome: unknown): outcome is ReserveRefusal {
  if (outcome === "unknown" || outcome === "used_up") return true;
  return typeof outcome === "object" && outcome !== null && "refusal" in outcome;
}

const FORGOTTEN =
  "the store began after the key was minted, as it does after a restart, and so may have forgotten a use; a new call gets a new key";

/** What is said of all the grants that were tried. Waiting helps if it helps one of them. */
function refusedFor(refusals: readonly ReserveRefusal[]): AgentKeyError {
  if (refusals.includes("unknown")) return new AgentKeyError("use_unknown", { detail: FORGOTTEN });
  const waitsMs = refusals.flatMap((one) => (typeof one === "object" ? [one.retryAfterMs] : []));
  if (waitsMs.length === 0) return new AgentKeyError("key_used_up");
  return new AgentKeyError("rate_exceeded", { retryAfterMs: Math.min(...waitsMs) });
}

const UNCOUNTED: Reservation = Object.freeze({
  commit: () => Promise.resolve(),
  release: () => Promise.resolve(),
});

function guarded(reservation: Reservation): Reservation {
  return {
    commit: () => orStoreError(() => reservation.commit()),
    release: () => orStoreError(() => reservation.release()),
  };
}

async function orStoreError<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw storeError(cause);
  }
}
