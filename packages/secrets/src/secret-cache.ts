import {
  AgentKeyError,
  type Duration,
  type SecretSource,
  type SecretValue,
} from "@agent-keys/core";
import { durationSeconds, requireKnown, systemClock } from "@agent-keys/core/enforce";
import { afterFailure, type Held, heldFrom, isUsed, useOf } from "./held.ts";
import { secretValue } from "./secret-value.ts";
import { orAborted, singleFlight } from "./single-flight.ts";
import { isOutage, kindOf, outOfReach, unavailable } from "./unavailable.ts";

/** How long a cache goes by what a source said, and how long it waits for it. */
export interface SecretCacheOptions {
  /**
   * How long a value is used before it is read again; never past its own expiry. When a quarter of that
   * time is left, it is read in the background, while this value serves. Default 60 s.
   */
  readonly ttl?: Duration | undefined;
  /**
   * How long a value that has no expiry of its own serves on while its source is out of reach, counted
   * from when it was read. One that has an expiry serves until then. Default 15 min.
   */
  readonly keep?: Duration | undefined;
  /** How long a read may take. Default 10 s. */
  readonly timeout?: Duration | undefined;
  /** Milliseconds since the epoch. Default: the system's clock, never backwards. */
  readonly now?: (() => number) | undefined;
}

/** Where a request may abort its wait. It aborts nobody else's. */
type Waiting = Parameters<SecretSource["read"]>[0];

/** A source that remembers, in this process's memory only. It prints and serialises without a value. */
export interface SecretCache extends SecretSource {
  /**
   * The value as it was read at most a TTL ago, or, while its source is out of reach, at most until it
   * expires. However many ask at a time, the source is read once.
   *
   * @throws AgentKeyError `secret_unavailable`: the source has none, refuses it, failed, or gave one that
   * has expired. A value whose time is over is never used instead.
   */
  read(options?: Waiting): Promise<SecretValue>;
  /**
   * What to try once more with, when the upstream refused this value as a credential (401): the one that
   * is held, if it is another by now; else the source is read, once for all who ask at a time, and once
   * more where a read was under way already that brings the same value: it may have begun before the
   * value was replaced. When it is the same again, `undefined`, and for 5 s nobody's refusal has it read again.
   *
   * @param rejected - The value that was refused.
   * @throws AgentKeyError `secret_unavailable`, as `read` does.
   */
  refresh(rejected: string, options?: Waiting): Promise<SecretValue | undefined>;
  /** Closes the source. Never rejects, and takes no longer than a read may. */
  close(): Promise<void>;
}

/** Refusals of one value trickle in. Whoever can provoke them must not make the source work for each. */
const SAME_AGAIN_MS = 5_000;

/** How long after a failure nobody has the source read in the background. */
const PAUSE_MS = 1_000;

/**
 * Keeps what a source gives, for a while, and reads it once for all who ask at the same time.
 *
 * @throws TypeError when `source` is none, or an option is wrong.
 *
 * @example
 * ```ts
 * import { env, secretCache } from "@agent-keys/secrets";
 *
 * const github = secretCache(env("GITHUB_TOKEN"), { ttl: "5m" });
 * const { value } = await github.read();
 * const another = await github.refresh(value); // after a 401
 * ```
 */
export function secretCache(source: SecretSource, options: SecretCacheOptions = {}): SecretCache {
  requireSource(source);
  requireKnown("secretCache: ", options, OPTIONS);
  const { ttl = 60, keep = "15m", timeout = 10, now = systemClock } = options;
  const times = { ttlMs: milliseconds("ttl", ttl), keepMs: milliseconds("keep", keep) };
  const timeoutMs = milliseconds("timeout", timeout);
  if (typeof now !== "function") throw new TypeError("secretCache: now: must be a function");
  const { name } = source;
  let held: Held | undefined;
  let sameAgain: { readonly value: string; readonly fromMs: number } | undefined;
  let failedAtMs = -Infinity;
  let reads = 0;

  const load = singleFlight(async (abandoned) => {
    reads += 1;
    const read = reads;
    const fromMs = now();
    try {
      const secret = await readWithin(source, timeoutMs, abandoned);
      if (!((secret.expiresAtMs ?? Infinity) > now())) {
        throw unavailable(name, "what it gives has expired");
      }
      held = heldFrom(secret, fromMs, times);
      if (sameAgain?.value !== secret.value) sameAgain = undefined;
      return { secret, read };
    } catch (error) {
      // Nobody waits any more: that says nothing of the source.
      if (!abandoned.aborted && held !== undefined) {
        held = afterFailure(held, isOutage(error));
        failedAtMs = now();
      }
      throw error;
    }
  });

  const isPausing = (): boolean => within(failedAtMs, PAUSE_MS, now());
  const readMeanwhile = (): void => {
    // What fails is on `held`, and is told when its time is over.
    if (!isPausing()) load().catch(() => undefined);
  };

  return Object.freeze({
    name,
    async read({ signal }: Waiting = {}) {
      signal?.throwIfAborted();
      const known = held;
      switch (known === undefined ? "over" : useOf(known, now())) {
        case "fresh":
          break;
        case "ageing":
        case "kept":
          readMeanwhile();
          break;
        case "over":
          return (await load(signal)).secret;
        case "late":
          try {
            return (await load(signal)).secret;
          } catch (error) {
            // It may be known by now that the source is out of reach.
            if (held === undefined || useOf(held, now()) !== "kept") throw error;
            return held.secret;
          }
      }
      return (known ?? (await load(signal))).secret;
    },
    async refresh(rejected: string, { signal }: Waiting = {}) {
      signal?.throwIfAborted();
      const known = held !== undefined && isUsed(useOf(held, now())) ? held.secret : undefined;
      if (known !== undefined && known.value !== rejected) return known;
      if (sameAgain?.value === rejected && within(sameAgain.fromMs, SAME_AGAIN_MS, now())) {
        return undefined;
      }
      const readsBefore = reads;
      const first = await load(signal);
      if (first.secret.value !== rejected) return first.secret;
      // A read that had begun before the refusal may have brought what was replaced since.
      const { secret } = first.read > readsBefore ? first : await load(signal);
      if (secret.value !== rejected) return secret;
      sameAgain = { value: rejected, fromMs: now() };
      return undefined;
    },
    async close() {
      const closing = (async () => await source.close?.())();
      await orAborted(closing, AbortSignal.timeout(timeoutMs)).catch(() => undefined);
    },
  });
}

/** Whether a time is at most so far back. A clock that was set back makes nothing last longer. */
function within(fromMs: number, forMs: number, nowMs: number): boolean {
  return fromMs <= nowMs && nowMs < fromMs + forMs;
}

function requireSource(source: unknown): asserts source is SecretSource {
  const { name, read } = (source ?? {}) as { readonly name?: unknown; readonly read?: unknown };
  if (typeof name === "string" && name !== "" && typeof read === "function") return;
  throw new TypeError('secretCache: source must have a name and read(), as env("NAME") has');
}

const OPTIONS = ["ttl", "keep", "timeout", "now"] satisfies (keyof SecretCacheOptions)[];

function milliseconds(option: "ttl" | "keep" | "timeout", duration: Duration): number {
  const seconds = durationSeconds(duration, DAY_SECONDS);
  if (seconds !== undefined) return seconds * 1000;
  throw new TypeError(`secretCache: ${option}: must be seconds, "30s" or "5m", at most a day`);
}

const DAY_SECONDS = 86_400;

/** Reads the source, which may be anybody's: slow, wrong, or with the credential in its errors. */
async function readWithin(
  source: SecretSource,
  timeoutMs: number,
  abandoned: AbortSignal,
): Promise<SecretValue> {
  const { name } = source;
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  abandoned.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(abort, timeoutMs);
  const { signal } = controller;
  try {
    const answer: unknown = await orAborted(startReading(source, signal), signal);
    return checked(answer, name);
  } catch (error) {
    if (signal.aborted) throw outOfReach(name, `gave no answer within ${timeoutMs / 1000} s`);
    if (error instanceof AgentKeyError && error.code === "secret_unavailable") throw error;
    const why = `cannot be read (${kindOf(error)})`;
    throw isOutage(error) ? outOfReach(name, why) : unavailable(name, why);
  } finally {
    clearTimeout(timer);
    abandoned.removeEventListener("abort", abort);
  }
}

/** A source that throws at once fails as one that rejects. */
async function startReading(source: SecretSource, signal: AbortSignal): Promise<unknown> {
  return source.read({ signal });
}

function checked(answer: unknown, name: string): SecretValue {
  const { value, expiresAtMs } = (answer ?? {}) as Partial<Record<keyof SecretValue, unknown>>;
  if (typeof value !== "string" || value === "") throw unavailable(name, "it gave no value");
  if (expiresAtMs === undefined) return secretValue(name, value);
  if (typeof expiresAtMs !== "number") throw unavailable(name, "it gave a date that is none");
  return secretValue(name, value, expiresAtMs);
}
