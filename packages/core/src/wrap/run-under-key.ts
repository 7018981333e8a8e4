import { AgentKey } from "../agent-key.ts";
import type { Outcome } from "../audit/event.ts";
import { underKey } from "../context.ts";

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
 * promise of a generator.
 *
 * @param key - `undefined` for a call that runs without one, on purpose: an outer call's key is not
 * seen inside, in a generator's steps either.
 */
export function runUnderKey<T>(
  key: AgentKey | undefined,
  body: () => T,
  classify: Classify = {},
): T {
  const end = key === undefined ? NOTHING_TO_END : endOnce(key, classify);
  let result: T;
  try {
    result = underKey(key, body);
  } catch (error) {
    end.thrown(error);
    throw error;
  }
  if (isPromiseLike(result)) return awaited(result, key, end) as T;
  const iterator = iteratorKind(result);
  if (iterator !== undefined) return overIterator(result as object, iterator, key, end) as T;
  end.returned(result);
  return result;
}

interface End {
  returned(value: unknown): void;
  /** The consumer stopped before the end. Nothing happens when the end was reached before. */
  cancelled(): void;
  thrown(error: unknown): void;
}

const NOTHING_TO_END: End = { returned() {}, cancelled() {}, thrown() {} };

function endOnce(key: AgentKey, { result, error: ofError, signal }: Classify): End {
  const onAbort = (): void => key.close("cancelled");
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const end = (outcome: Outcome): void => {
    signal?.removeEventListener("abort", onAbort);
    key.close(outcome);
  };
  return {
    cancelled: () => end("cancelled"),
    returned: (value) => end(result?.(value) ?? "ok"),
    thrown: (error) => end(ofError?.(error) ?? errorOutcome(error)),
  };
}

/** What a thrown value means where the framework does not say otherwise. */
export function errorOutcome(error: unknown): Outcome {
  return error instanceof Error && error.name === "AbortError" ? "cancelled" : "error";
}

function awaited(
  promise: PromiseLike<unknown>,
  key: AgentKey | undefined,
  end: End,
): PromiseLike<unknown> {
  return promise.then(
    (value) => {
      const iterator = iteratorKind(value);
      // A generator that comes by a promise has not run yet. Without `next`, as a stream of a
      // response has none, it is a value that outlives the call.
      if (iterator !== undefined && "next" in (value as object)) {
        return overIterator(value as object, iterator, key, end);
      }
      end.returned(value);
      return value;
    },
    (error: unknown) => {
      end.thrown(error);
      throw error;
    },
  );
}

type IteratorKind = typeof Symbol.iterator | typeof Symbol.asyncIterator;

/** A generator or an async iterable is work to come; an array or a map is a value. */
function iteratorKind(result: unknown): IteratorKind | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  if (Symbol.asyncIterator in result) return Symbol.asyncIterator;
  return Symbol.iterator in result && "next" in result ? Symbol.iterator : undefined;
}

const STEPS: ReadonlySet<PropertyKey> = new Set(["next", "return", "throw"]);

/**
 * Stands before an iterable, so that every step of it runs under the key: entering the context
 * around the call that made a generator would not cover its body.
 */
function overIterator(
  target: object,
  kind: IteratorKind,
  key: AgentKey | undefined,
  end: End,
): object {
  // One that is never iterated ends with its key.
  if (key !== undefined) AgentKey.closeWhenExpired(key);
  let last: unknown;
  const settle = (name: PropertyKey, step: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (step.done !== true) last = step.value;
    else if (name === "return") end.cancelled();
    else end.returned(step.value ?? last);
    return step;
  };
  const failed = (error: unknown): never => {
    end.thrown(error);
    throw error;
  };
  const stepper = (name: PropertyKey, method: Method, on: object): Method => {
    return (...args) => {
      try {
        const step = underKey(key, () => method.apply(on, args));
        return isPromiseLike(step)
          ? step.then((value) => settle(name, value as IteratorResult<unknown>), failed)
          : settle(name, step as IteratorResult<unknown>);
      } catch (error) {
        return failed(error);
      }
    };
  };
  const proxied = (object: object): object => {
    const proxy: object = new Proxy(object, {
      get(on, name) {
        const member: unknown = Reflect.get(on, name, on);
        if (typeof member !== "function") return member;
        const method = member as Method;
        if (STEPS.has(name)) return stepper(name, method, on);
        if (name !== kind) return method.bind(on);
        return () => {
          const made = underKey(key, () => method.apply(on, [])) as object;
          return made === on ? proxy : proxied(made);
        };
      },
    });
    return proxy;
  };
  return proxied(target);
}

type Method = (...args: unknown[]) => unknown;

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
