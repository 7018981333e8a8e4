import {
  AgentKeyError,
  type Duration,
  type SecretSource,
  type SecretValue,
} from "@agent-keys/core";
import { durationSeconds, requireKnown, systemClock } from "@agent-keys/core/enforce";
import { secretValue } from "./secret-value.ts";
import { orAborted, singleFlight } from "./single-flight.ts";
import { kindOf, unavailable } from "./unavailable.ts";

/** How long a cache goes by what a source said, and how long it waits for it. */
export interface SecretCacheOptions {
  /** How long a value is used before it is read again; never past its own expiry. Default 60 s. */
  readonly ttl?: Duration | undefined;
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
   * The value as it was read at most a TTL ago. However many ask at a time, the source is read once.
   *
   * @throws AgentKeyError `secret_unavailable`: the source has none, failed, took too long, or gave one
   * that has expired. A value whose time is over is never used instead.
   */
  read(options?: Waiting): Promise<SecretValue>;
  /**
   * What to try once more with, when the upstream refused this value as a credential (401): the one that
   * is held, if it is another by now; else the source is read, once for all who ask at a time. When it
   * gives the same value again, `undefined`, and for 5 s nobody's refusal has it read again.
   *
   * @param rejected - The value that was refused.
   * @throws AgentKeyError `secret_unavailable`, as `read` does.
   */
  refresh(rejected: string, options?: Waiting): Promise<SecretValue | undefined>;
}

/** Refusals of one value trickle in. Whoever can provoke them must not make the source work for each. */
const SAME_AGAIN_MS = 5_000;

/** A value, and from when until when it is used. */
interface Held {
  readonly secret: SecretValue;
  readonly fromMs: number;
  readonly untilMs: number;
}

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
  const { ttl = 60, timeout = 10, now = systemClock } = options;
  const ttlMs = milliseconds("ttl", ttl);
  const timeoutMs = milliseconds("timeout", timeout);
  if (typeof now !== "function") throw new TypeError("secretCache: now: must be a function");
  const { name } = source;
  let held: Held | undefined;
  let sameAgain: Held | undefined;

  // A clock that was set back would make a value last longer than it may.
  const isCurrent = ({ fromMs, untilMs }: Held, atMs: number): boolean =>
    fromMs <= atMs && atMs < untilMs;

  const current = (): SecretValue | undefined => {
    if (held !== undefined && !isCurrent(held, now())) held = undefined;
    return held?.secret;
  };

  const load = singleFlight(async (abandoned) => {
    const fromMs = now();
    const secret = await readWithin(source, timeoutMs, abandoned);
    const { expiresAtMs = Infinity } = secret;
    if (!(expiresAtMs > now())) throw unavailable(name, "what it gives has expired");
    held = { secret, fromMs, untilMs: Math.min(fromMs + ttlMs, expiresAtMs) };
    if (sameAgain?.secret.value !== secret.value) sameAgain = undefined;
    return secret;
  });

  return Object.freeze({
    name,
    async read({ signal }: Waiting = {}) {
      signal?.throwIfAborted();
      return current() ?? (await load(signal));
    },
    async refresh(rejected: string, { signal }: Waiting = {}) {
      signal?.throwIfAborted();
      const known = current();
      if (known !== undefined && known.value !== rejected) return known;
      if (sameAgain?.secret.value === rejected && isCurrent(sameAgain, now())) return undefined;
      const secret = await load(signal);
      if (secret.value !== rejected) return secret;
      const fromMs = now();
      sameAgain = { secret, fromMs, untilMs: fromMs + SAME_AGAIN_MS };
      return undefined;
    },
  });
}

function requireSource(source: unknown): asserts source is SecretSource {
  const { name, read } = (source ?? {}) as { readonly name?: unknown; readonly read?: unknown };
  if (typeof name === "string" && name !== "" && typeof read === "function") return;
  throw new TypeError('secretCache: source must have a name and read(), as env("NAME") has');
}

const OPTIONS = ["ttl", "timeout", "now"] satisfies (keyof SecretCacheOptions)[];

function milliseconds(option: "ttl" | "timeout", duration: Duration): number {
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
    if (signal.aborted) throw unavailable(name, `gave no answer within ${timeoutMs / 1000} s`);
    if (error instanceof AgentKeyError && error.code === "secret_unavailable") throw error;
    throw unavailable(name, `cannot be read (${kindOf(error)})`);
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
