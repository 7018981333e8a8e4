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
import { type Claims, counterOf, LEEWAY_SECONDS, parentsOf } from "./claims.ts";

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
 * Every counter that one use of a token's grant is charged to: its own and its ancestors'.
 *
 * @param index - The grant's place in the token.
 * @param limit - The key's own limit, where a verifier's policy has lowered it.
 * @param counter - The place of the grant on whose counter its uses are counted, where a verifier's
 * policy makes it share one.
 */
export function chargesFor(
  claims: Claims,
  index: number,
  limit: number | undefined = claims.authorization_details[index]?.uses,
  counter: number = counterOf(claims, index),
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
  charge(claims, counter, limit);
  for (const ref of parentsOf(claims)) charge(ref, ref.grants[index] ?? 0, ref.uses[index]);
  return due;
}

/**
 * Sets a use aside for a request, of the first grant that has one left; one without a limit is
 * preferred. Commit it once something was sent, release it only when nothing was.
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

/** What is said of all the grants that were tried. Waiting helps if it helps one of them. */
function refusedFor(refusals: readonly ReserveRefusal[]): AgentKeyError {
  if (refusals.includes("unknown")) return new AgentKeyError("use_unknown");
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
