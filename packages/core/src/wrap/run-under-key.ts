import { AgentKey } from "../agent-key.ts";
import type { Outcome } from "../audit/event.ts";
import { underKey } from "../context.ts";
import { type End, isPromiseLike, iteratorKind, overIterator } from "./over-iterator.ts";

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
 * the signal aborts. The result keeps its kind: value, promise, iterator or async iterable.
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
  try {
    const result = within(body);
    if (isPromiseLike(result)) return within(() => awaited(result, end)) as T;
    const kind = iteratorKind(result);
    if (kind === undefined) {
      end.returned(result);
      return result;
    }
    // One that is never iterated ends with its key.
    if (key !== undefined) AgentKey.closeWhenExpired(key);
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

function awaited(promise: PromiseLike<unknown>, end: End): Promise<unknown> {
  return native(promise).then(
    (value) => {
      end.returned(value);
      return value;
    },
    (error: unknown) => {
      end.thrown(error);
      throw error;
    },
  );
}

/** The `then` of a thenable may be what starts its work, and may return nothing. */
function native(promise: PromiseLike<unknown>): Promise<unknown> {
  if (promise instanceof Promise) return promise;
  return new Promise((resolve, reject) => void promise.then(resolve, reject));
}
