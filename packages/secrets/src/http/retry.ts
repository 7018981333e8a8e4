/** How often, and after how long, something is tried again. */
export interface Retries {
  /** How often it is tried at all. Default 4. */
  readonly attempts?: number | undefined;
  /** From 0 up to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Waits; rejects with the signal's reason. Default: by a timer. */
  readonly wait?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** The longest wait before the first retry; each further one may be twice as long. */
const FIRST_MS = 200;
const LONGEST_MS = 3_000;

/**
 * How long to wait before trying again: what the server said, and up to a tenth more, so that all whom it
 * sent away do not come back at once; where it said nothing, any time up to a bound that doubles.
 */
export function delayMs(
  attempt: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  if (retryAfterMs !== undefined) return retryAfterMs + random() * Math.max(100, retryAfterMs / 10);
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, in milliseconds from now. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!/^[A-Z][a-z]{2}, /.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** A wait that a signal ends, with its reason. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => reject(signal.reason);
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
