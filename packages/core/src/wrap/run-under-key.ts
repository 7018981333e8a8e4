import { AgentKey } from "../agent-key.ts";
import type { Outcome } from "../audit/event.ts";
import { underKey } from "../context.ts";
import { type End, type IteratorKind, iteratorKind, overIterator } from "./over-iterator.ts";
import { isNative, isPromiseLike, watch } from "./promise.ts";

/** How a framework tells what a call's end was. */
export interface Classify {
  /** What a returned value means. Default: `"ok"`. */
  readonly result?: ((value: unknown) => Outcome) | undefined;
  /** What a thrown value means. Default: `"cancelled"` for an `AbortError`, else `"error"`. */
  readonly error?: ((error: unknown) => Outcome) | undefined;
  /** Ends the call, and closes the key, at once. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether a promise may bring a generator that has not run yet, as LangChain's `tool()` gives it.
   * Where none does, a promise is handed on as it is: another in its place would settle a microtask
   * later, and change the order of what a stream tells. Default `true`.
   */
  readonly generatorByPromise?: boolean | undefined;
}

/**
 * Runs a call under its key and closes the key when the call ends, exactly once: when a value is
 * returned, a promise settles, an iterator finishes or is returned early, something is thrown, or
 * the signal aborts. The result keeps its kind: value, promise, iterator or async iterable, or the
 * promise of a generator.
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
  const finished = (result: unknown, kind: IteratorKind | undefined): unknown => {
    if (kind === undefined) {
      end.returned(result);
      return result;
    }
    // One that is never iterated ends with its key.
    if (key !== undefined) AgentKey.closeWhenExpired(key);
    return overIterator(result as object, kind, within, end);
  };
  try {
    const result = within(body);
    if (classify.generatorByPromise === false && isNative(result)) {
      watch(result, end.returned, end.thrown);
      return result;
    }
    if (isPromiseLike(result)) {
      // An iterable without `next`, such as a response's stream, is a value that outlives the call.
      const settled = (value: unknown): unknown =>
        finished(value, iteratorKind(value, { generator: true }));
      return within(() => awaited(result, end, settled)) as T;
    }
    return finished(result, iteratorKind(result)) as T;
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

function awaited(
  promise: PromiseLike<unknown>,
  end: End,
  settled: (value: unknown) => unknown,
): Promise<unknown> {
  return native(promise).then(settled, (error: unknown) => {
    end.thrown(error);
    throw error;
  });
}

/** The `then` of a thenable may be what starts its work, and may return nothing. */
function native(promise: PromiseLike<unknown>): Promise<unknown> {
  if (promise instanceof Promise) return promise;
  return new Promise((resolve, reject) => void promise.then(resolve, reject));
}
