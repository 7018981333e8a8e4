/**
 * Several sequences as one, each in its own order.
 *
 * @param goesFirst - Whether the next of one comes before the next of another.
 */
export function* merged<T>(
  sources: readonly Iterable<T>[],
  goesFirst: (one: T, other: T) => boolean,
): Generator<T, void, undefined> {
  const heads: { value: T; readonly rest: Iterator<T> }[] = [];
  try {
    for (const source of sources) {
      const rest = source[Symbol.iterator]();
      const first = rest.next();
      if (first.done !== true) heads.push({ value: first.value, rest });
    }
    for (;;) {
      const head = heads.reduce<(typeof heads)[number] | undefined>(
        (best, other) => (best === undefined || goesFirst(other.value, best.value) ? other : best),
        undefined,
      );
      if (head === undefined) return;
      yield head.value;
      const next = head.rest.next();
      if (next.done === true) heads.splice(heads.indexOf(head), 1);
      else head.value = next.value;
    }
  } finally {
    for (const { rest } of heads) rest.return?.();
  }
}

/**
 * Several sequences as one, as each has something.
 *
 * @param stop - Ends those that still wait for something, when the reader wants no more.
 */
export async function* mingled<T>(
  sources: readonly AsyncGenerator<T, void, undefined>[],
  stop: () => void,
): AsyncGenerator<T, void, undefined> {
  const next = async (source: (typeof sources)[number]) => ({
    source,
    result: await source.next(),
  });
  const coming = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (coming.size > 0) {
      const { source, result } = await Promise.race(coming.values());
      if (result.done === true) {
        coming.delete(source);
      } else {
        coming.set(source, next(source));
        yield result.value;
      }
    }
  } finally {
    stop();
    await Promise.allSettled(coming.values());
    await Promise.all(sources.map((source) => source.return()));
  }
}
