import { AgentKeyError } from "../errors.ts";
import type { KeyFacts, Revocation, RevocationSelector } from "../revocation.ts";

/** What a view knows of a key's life. */
export type KeyState = "live" | "closed" | "revoked";

/**
 * A view of closed keys and standing revocations, so that a check costs no round trip: `stateOf` and
 * `revocations` are synchronous, and throw `AgentKeyError` `store_unavailable` when what they know may
 * be stale.
 */
export interface KeyView {
  /**
   * Closes a key: it, and every key delegated from it, is refused from now on. Idempotent, never waited
   * for, and never fails later: others may learn of it late, or not at all.
   */
  close(key: { readonly iss: string; readonly id: string; readonly expiresAtMs: number }): void;
  /**
   * Revokes. Never forgotten: all stand until restored, but for one by `id`, which may be dropped once
   * no key of that id can live any more, 15 minutes and the leeway after it was made.
   *
   * It stands in this view when the call returns, even when it throws. A promise resolves once a shared
   * store has it for good, and rejects with `store_unavailable` when it has not: the view then goes on
   * handing it over.
   */
  revoke(revocation: Revocation): void | Promise<void>;
  /**
   * Lifts what was revoked with the same selector by the same issuer, in this view when the call
   * returns. Says how many it lifted. A promise resolves once a shared store has it for good, and rejects
   * with `store_unavailable` when it has not: what was revoked then stands in this view again, and the
   * view never carries the restoration out later, not from memory nor from a file. Carried out later, it
   * would undo what was revoked since.
   */
  restore(selector: RevocationSelector, iss?: string): number | Promise<number>;
  /** The revocations that stand. */
  revocations(): readonly Revocation[];
  /** Whether a key, or a mint that has no id yet, may go on. `revoked` before `closed`. */
  stateOf(facts: KeyFacts): KeyState;
}

/**
 * One thing that a request is charged to. A request never has two charges of one kind and id. The kinds
 * are kept apart: the same id under another kind is something else.
 */
export type Charge = UsesCharge | WindowCharge | IntentCharge;

/** A grant of a key, which may be used `limit` times. */
export interface UsesCharge {
  readonly kind: "uses";
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

/**
 * A rate: of the uses that were reserved and not released, at no moment more than `limit` lie within
 * the last `windowMs`, by the store's own time, which never runs backwards. Each use is remembered by
 * itself until exactly `windowMs` have passed, so that no edge lets twice as many pass.
 */
export interface WindowCharge {
  readonly kind: "window";
  /** Always comes with the same limit and length. */
  readonly id: string;
  /** At most 10,000. */
  readonly limit: number;
  /** At most 24 hours. */
  readonly windowMs: number;
}

/**
 * Something that must not be begun again while nobody knows how it ended. One that is outstanding,
 * reserved and neither committed nor released, refuses as `unknown` until `expiresAtMs`, by the store's
 * own time, or five minutes longer.
 */
export interface IntentCharge {
  readonly kind: "intent";
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/**
 * What was reserved and is not yet known to have happened. Left alone, because nobody knows, uses stay
 * spent and an intent stays outstanding. Settled once: a second settling changes nothing, and neither
 * does one that comes when an intent has expired and was reserved by another.
 */
export interface Reservation {
  /** It happened, and its result is known. Uses stay spent; an intent is cleared. */
  commit(): Promise<void>;
  /** Nothing was sent. Uses, also of windows, are given back; an intent is cleared. */
  release(): Promise<void>;
}

/**
 * Why nothing was reserved, in the order in which it is said. `unknown`: an intent is outstanding; then:
 * a key is older than what this store remembers. `used_up`: a limit is reached, for good.
 */
export type ReserveRefusal = "unknown" | "used_up" | TooMany;

/** The last to be said: a window is full. */
export interface TooMany {
  readonly refusal: "too_many";
  /** When all the windows of the charges will have room, if nothing more is reserved: from now, above zero. */
  readonly retryAfterMs: number;
}

/**
 * Counts uses, atomically over all charges of one request: all are taken, or none. Rejects with
 * `AgentKeyError` `store_unavailable` when it cannot count.
 */
export interface UseCounter {
  reserve(charges: readonly Charge[]): Promise<Reservation | ReserveRefusal>;
  /** Whether one more use could be reserved, without reserving it. */
  peek(charges: readonly Charge[]): Promise<"available" | ReserveRefusal>;
}

/** Shared state: what `createAgentKeys({ store })` takes. Who opened it closes it, last. */
export interface Store {
  readonly keys: KeyView;
  readonly uses: UseCounter;
  /**
   * Ends its connections, or lets go of its file, once what it was given is handed over. Idempotent. A
   * store that other processes share has it: by this, `agent-keys revoke` knows one.
   */
  close?(): Promise<void>;
  /** The same. */
  [Symbol.asyncDispose]?(): Promise<void>;
}

/** Whether something was reserved, or why not. */
export function isReserved(outcome: unknown): outcome is Reservation {
  return hasMethods(outcome, SETTLING_METHODS);
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
  const { keys, uses, close } = (store ?? {}) as { readonly [K in keyof Store]?: unknown };
  const closes = close === undefined || typeof close === "function";
  if (closes && hasMethods(keys, KEY_METHODS) && hasMethods(uses, USE_METHODS)) return;
  // Likely enough that it is worth its own words: an opener that has to wait.
  if (store instanceof Promise) throw new TypeError(`${option}: is a promise, await it first`);
  throw new TypeError(`${option}: must have keys and uses, as memoryStore() has`);
}

const KEY_METHODS = ["close", "revoke", "restore", "revocations", "stateOf"];
const USE_METHODS = ["reserve", "peek"];
const SETTLING_METHODS = ["commit", "release"];

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function")
  );
}
