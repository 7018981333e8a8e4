export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** A promise of the language itself, whose `then` does nothing but wait. */
function isNative(value: unknown): value is Promise<unknown> {
  return value instanceof Promise && value.then === Promise.prototype.then;
}

/** The `then` of a thenable may be what starts its work, and may return nothing. */
export function native(promise: PromiseLike<unknown>): Promise<unknown> {
  if (isNative(promise)) return promise;
  return new Promise((resolve, reject) => void promise.then(resolve, reject));
}

/**
 * Learns how a promise settles, before anyone that is handed it afterwards, and leaves the promise as
 * it is. It counts as answered then: a rejection that nobody else looks at goes unreported.
 */
export function watch(
  promise: Promise<unknown>,
  settled: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  promise.then((value) => {
    try {
      settled(value);
    } catch (error) {
      failed(error);
    }
  }, failed);
}
