import type { AgentKey } from "../agent-key.ts";
import type { Outcome } from "../audit/event.ts";
import { underKey } from "../context.ts";
import { type End, iteratorKind, overIterator, overSteps } from "./over-iterator.ts";
import { isPromiseLike, native, watch } from "./promise.ts";

/** How a framework tells what a call's end was. */
export interface Classify {
  /** What a returned value means. Default: `"ok"`. */
  readonly result?: ((value: unknown) => Outcome) | undefined;
  /** What a thrown value means. Default: `"cancelled"` for an `AbortError`, else `"error"`. */
  readonly error?: ((error: unknown) => Outcome) | undefined;
  /** Ends the call, and closes the key, at once. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a call under its key and closes the key when the call ends, exactly once: when a value is
 * returned, a promise settles, an iterator finishes or is returned early, something is thrown, or
 * the signal aborts. The result keeps its kind: value, promise, iterator or async iterable, or the
 * promise of a generator. A promise is the body's own: another in its place would settle a microtask
 * later, and change the order of what a stream tells.
 *
 * @param key - `undefined` for a call that runs without one, on purpose, in whatever runs around it.
 */
export function runUnderKey<T>(
  key: AgentKey | undefined,
  body: () => T,
  classify: Classify = {},
): T {
  const end = endOnce(key, classify);
  const within = underKey(key);
  // One that is never iterated ends with its key.
  const iterating = (): void => key?.closeWhenExpired();
  const settled = (value: unknown): void => {
    // A generator that comes by a promise, as LangChain's `tool()` gives it, has not run yet. An
    // iterable without `next`, such as a response's stream, is a value that outlives the call.
    const kind = iteratorKind(value, { generator: true });
    if (kind !== undefined && overSteps(value as object, kind, within, end)) iterating();
    else end.returned(value);
  };
  try {
    const result = within(body);
    if (isPromiseLike(result)) {
      const promise = within(() => native(result));
      watch(promise, settled, end.thrown);
      return promise as T;
    }
    const kind = iteratorKind(result);
    if (kind === undefined) {
      end.returned(result);
      return result;
    }
    iterating();
    return overIterator(result as object, kind, within, end) as T;
  } catch (error) {
    end.thrown(error);
    throw error;
  }
}

function endOnce(key: AgentKey | undefined, { result, error: ofError, signal }: Classify): End {
  const onAbort = (): void => key?.close("cancelled");
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const end = (outcome: () => Outcome): void => {
    signal?.removeEventListener("abort", onAbort);
    key?.close(attempt(outcome));
  };
  return {
    cancelled: () => end(() => "cancelled"),
    returned: (value) => end(() => result?.(value) ?? "ok"),
    thrown: (error) => end(() => ofError?.(error) ?? errorOutcome(error)),
  };
}

/** A value that cannot even be looked at is a call's error; the value itself stays as it is. */
function attempt(outcome: () => Outcome): Outcome {
  try {
    return outcome();
  } catch {
    return "error";
  }
}

/** What a thrown value means where the framework does not say otherwise. */
export function errorOutcome(error: unknown): Outcome {
  return error instanceof Error && error.name === "AbortError" ? "cancelled" : "error";
}
