import type { SecretValue } from "@agent-keys/core";

/** A value that a source gave, and until when it is used for what. All in milliseconds since the epoch. */
export interface Held {
  readonly secret: SecretValue;
  readonly fromMs: number;
  /** From then on it is read again in the background. */
  readonly ageingMs: number;
  /** From then on it is used only while its source is out of reach. */
  readonly lateMs: number;
  /** From then on it is not used at all. */
  readonly overMs: number;
  /** Whether its source was out of reach when it was last read. */
  readonly isCutOff: boolean;
}

/** How long values are used: until they are read again, and while they cannot be. */
export interface Times {
  readonly ttlMs: number;
  readonly keepMs: number;
}

/** How much of its time a value serves before it is read again in the background. */
const AGEING = 0.75;

export function heldFrom(secret: SecretValue, fromMs: number, { ttlMs, keepMs }: Times): Held {
  const { expiresAtMs } = secret;
  const lateMs = Math.min(fromMs + ttlMs, expiresAtMs ?? Infinity);
  return {
    secret,
    fromMs,
    ageingMs: fromMs + (lateMs - fromMs) * AGEING,
    lateMs,
    overMs: expiresAtMs ?? fromMs + Math.max(ttlMs, keepMs),
    isCutOff: false,
  };
}

/**
 * - `fresh`: it is used.
 * - `ageing`: it is used, and read again meanwhile.
 * - `late`: it must be read again first, and is used only when its source turns out to be out of reach.
 * - `kept`: its source is out of reach, so it is used, and read again meanwhile.
 * - `over`: it is not used.
 */
export type Use = "fresh" | "ageing" | "late" | "kept" | "over";

/** What a value is good for at a time. A clock that was set back would make it last longer than it may. */
export function useOf(held: Held, atMs: number): Use {
  if (atMs < held.fromMs || atMs >= held.overMs) return "over";
  if (atMs < held.ageingMs) return "fresh";
  if (atMs < held.lateMs) return "ageing";
  return held.isCutOff ? "kept" : "late";
}

/** Whether it is used without asking first. */
export function isUsed(use: Use): boolean {
  return use === "fresh" || use === "ageing" || use === "kept";
}

/**
 * The same value after its source could not be read. One that is out of reach has said nothing. One that
 * refuses the value has: it serves as long as any does without being read again, and no longer.
 */
export function afterFailure(held: Held, isOutage: boolean): Held {
  return isOutage
    ? { ...held, isCutOff: true }
    : { ...held, isCutOff: false, overMs: Math.min(held.overMs, held.lateMs) };
}
