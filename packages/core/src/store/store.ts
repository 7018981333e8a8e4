import { AgentKeyError } from "../errors.ts";
import type { KeyFacts, Revocation, RevocationSelector } from "../revocation.ts";

/** What a view knows of a key's life. */
export type KeyState = "live" | "closed" | "revoked";

/**
 * A synchronous view of closed keys and standing revocations, so that a check costs no round trip.
 * Every method throws `AgentKeyError` `store_unavailable` when what it knows may be stale.
 */
export interface KeyView {
  /** Closes a key: it, and every key delegated from it, is refused from now on. Idempotent. */
  close(key: { readonly iss: string; readonly id: string; readonly expiresAtMs: number }): void;
  /**
   * Revokes. Never forgotten: all stand until restored, but for one by `id`, which may be dropped once
   * no key of that id can live any more, 15 minutes and the leeway after it was made.
   */
  revoke(revocation: Revocation): void;
  /** Lifts what was revoked with the same selector by the same issuer. Says how many it lifted. */
  restore(selector: RevocationSelector, iss?: string): number;
  /** The revocations that stand. */
  revocations(): readonly Revocation[];
  /** Whether a key, or a mint that has no id yet, may go on. `revoked` before `closed`. */
  stateOf(facts: KeyFacts): KeyState;
}

/** One counter to be charged: a grant of a key, which may be used `limit` times. */
export interface Charge {
  /** Identifies the issuer, the key and the grant: see {@link chargeId}. */
  readonly id: string;
  readonly limit: number;
  /** When the key that is charged was minted, in milliseconds since the epoch. */
  readonly mintedAtMs: number;
  /**
   * When the count may be dropped, in milliseconds since the epoch. A count is kept for the latest
   * that any of its charges named: a later charge never shortens it.
   */
  readonly expiresAtMs: number;
}

/** A use that was reserved and is not yet known to have happened. */
export interface Reservation {
  /** The use happened, or may have. It stays spent. */
  commit(): Promise<void>;
  /** Nothing was sent. The use is given back. */
  release(): Promise<void>;
}

/** Why a use was not reserved. `unknown`: the key is older than what this store remembers. */
export type ReserveRefusal = "used_up" | "unknown";

/**
 * Counts uses, atomically over all charges of one request: a key's own and its ancestors'. A
 * reservation that is neither committed nor released stays spent. Rejects with `AgentKeyError`
 * `store_unavailable` when it cannot count.
 */
export interface UseCounter {
  reserve(charges: readonly Charge[]): Promise<Reservation | ReserveRefusal>;
  /** Whether one more use could be reserved, without reserving it. */
  peek(charges: readonly Charge[]): Promise<"available" | ReserveRefusal>;
}

/** Shared state: what `createAgentKeys({ store })` takes. */
export interface Store {
  readonly keys: KeyView;
  readonly uses: UseCounter;
}

/** Keyed by `(iss, jti)` and the grant's index; never by the token's text, nor by `jti` alone. */
export function chargeId(iss: string, jti: string, grant: number): string {
  return JSON.stringify([iss, jti, grant]);
}

/**
 * Refuses a key, or a mint, that was revoked or closed, or of which the view cannot tell.
 *
 * @throws AgentKeyError `key_revoked`, `key_closed` or `store_unavailable`.
 */
export function requireLive(view: KeyView, facts: KeyFacts): void {
  const { scopes } = facts;
  const state = stateOf(view, facts);
  if (state === "revoked") throw new AgentKeyError("key_revoked", { scopes });
  if (state === "closed") throw new AgentKeyError("key_closed", { scopes });
  // Such as the promise of a view that is not synchronous.
  if (state !== "live") {
    throw new AgentKeyError("store_unavailable", { detail: "stateOf did not return a KeyState" });
  }
}

function stateOf(view: KeyView, facts: KeyFacts): unknown {
  try {
    return view.stateOf(facts);
  } catch (cause) {
    throw storeError(cause);
  }
}

/** What a store threw, as a refusal with a code. */
export function storeError(cause: unknown): AgentKeyError {
  return cause instanceof AgentKeyError ? cause : new AgentKeyError("store_unavailable", { cause });
}

/** @throws TypeError when it lacks a method, or is none. */
export function requireStore(option: string, store: unknown): asserts store is Store {
  const { keys, uses } = (store ?? {}) as { readonly [K in keyof Store]?: unknown };
  if (hasMethods(keys, KEY_METHODS) && hasMethods(uses, USE_METHODS)) return;
  throw new TypeError(`${option}: must have keys and uses, as memoryStore() has`);
}

const KEY_METHODS = ["close", "revoke", "restore", "revocations", "stateOf"];
const USE_METHODS = ["reserve", "peek"];

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function")
  );
}
