import { kindOf, outOfReach, unavailable } from "../unavailable.ts";
import { type RawAnswer, requestOnce, TooLarge } from "./request-once.ts";
import { delayMs, retryAfterMs, type Retries, waitFor } from "./retry.ts";

/** One request to a manager of secrets. */
export interface HttpRequest {
  /** Made of an address from options or the environment, and of a path that {@link pathTo} escaped. */
  readonly url: URL;
  readonly method?: "GET" | "POST" | "PUT" | "DELETE" | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** The only certificate authorities that are believed, in PEM. Default: those of Node. */
  readonly ca?: string | undefined;
}

/** An answer, whatever its status. */
export interface JsonAnswer {
  readonly status: number;
  /** What the body says; `undefined` when it is not JSON, or there is none. */
  readonly json: unknown;
}

/** How a request is made, and for how long. */
export interface ReadOptions extends Retries {
  /** Ends it; what is thrown then is its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take, retries and all. Default 8 s, which is less than a cache waits. */
  readonly timeoutMs?: number | undefined;
  /** Statuses that are tried again. Default: 429 and all from 500 on. */
  readonly isTriedAgain?: ((status: number) => boolean) | undefined;
}

const TIMEOUT_MS = 8_000;

/**
 * Asks a manager of secrets. A connection that fails, 429 and 5xx are tried again, after the time that
 * `Retry-After` says or else a random one, as long as there is time; the last such answer is given. A
 * redirect is not followed, and no more than 1 MiB is read.
 *
 * @param name - What the source is called in errors, which hold nothing of an answer but its status.
 * @throws AgentKeyError `secret_unavailable`: there was no answer in time, or it was too large.
 */
export async function readJson(
  request: HttpRequest,
  name: string,
  options: ReadOptions = {},
): Promise<JsonAnswer> {
  const { signal, timeoutMs = TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const untilMs = performance.now() + timeoutMs;
  const over = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? over : AbortSignal.any([signal, over]);
  try {
    return await tryOften(request, name, options, untilMs, either);
  } catch (error) {
    signal?.throwIfAborted();
    if (over.aborted) throw outOfReach(name, `gave no answer within ${timeoutMs / 1_000} s`);
    throw error;
  }
}

async function tryOften(
  request: HttpRequest,
  name: string,
  options: ReadOptions,
  untilMs: number,
  signal: AbortSignal,
): Promise<JsonAnswer> {
  const { attempts = 4, random = Math.random, wait = waitFor, isTriedAgain = isPassing } = options;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await requestOnce(request, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof TooLarge) throw unavailable(name, "gave an answer that is too large");
      return failureOf(error);
    });
    const isFailure = "failed" in answer;
    if (!isFailure && !isTriedAgain(answer.status)) return jsonOf(answer);
    const after = isFailure ? undefined : retryAfterMs(answer.header("retry-after"), Date.now());
    const delay = delayMs(attempt, after, random);
    if (attempt + 1 >= attempts || performance.now() + delay >= untilMs) {
      if (isFailure) throw outOfReach(name, `is out of reach (${answer.failed})`);
      return jsonOf(answer);
    }
    await wait(delay, signal);
  }
}

/** A status that says nothing of what was asked for, only that now is not the time. */
export function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

function failureOf(error: unknown): { readonly failed: string } {
  return { failed: kindOf(error) };
}

function jsonOf({ status, body }: RawAnswer): JsonAnswer {
  try {
    return { status, json: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) };
  } catch {
    return { status, json: undefined };
  }
}
