/**
 * A copy of an object with some members replaced. What a spread would lose is kept: the prototype,
 * symbols, non-enumerable members, accessors.
 */
export function copyWith<T extends object>(
  original: T,
  replaced: Readonly<Record<string, unknown>>,
): T {
  const copy = Object.create(Object.getPrototypeOf(original) as object | null) as T;
  for (const key of Reflect.ownKeys(original)) {
    const found = Reflect.getOwnPropertyDescriptor(original, key);
    // Configurable, so that members of a frozen object can be replaced.
    if (found !== undefined) Reflect.defineProperty(copy, key, { ...found, configurable: true });
  }
  for (const [key, value] of Object.entries(replaced)) {
    const enumerable = Reflect.getOwnPropertyDescriptor(original, key)?.enumerable ?? false;
    Reflect.defineProperty(copy, key, { value, enumerable, configurable: true, writable: true });
  }
  return copy;
}

/**
 * Reads and writes a class's accessors on the original: a copy has none of its `#private` members.
 * Methods stay the copy's own, because LangChain's call each other.
 */
export function forwardAccessors<T extends object>(copy: T, original: object): T {
  for (const prototype of prototypes(original)) {
    for (const key of Reflect.ownKeys(prototype)) {
      const { get, set } = Reflect.getOwnPropertyDescriptor(prototype, key) ?? {};
      if ((get === undefined && set === undefined) || Object.hasOwn(copy, key)) continue;
      Reflect.defineProperty(copy, key, {
        configurable: true,
        enumerable: false,
        ...(get === undefined ? {} : { get: () => Reflect.apply(get, original, []) as unknown }),
        ...(set === undefined
          ? {}
          : { set: (value: unknown) => Reflect.apply(set, original, [value]) as unknown }),
      });
    }
  }
  return copy;
}

/** An object's prototypes, nearest first, without the one that every object has. */
export function prototypes(object: object): readonly object[] {
  const found: object[] = [];
  let next = Object.getPrototypeOf(object) as object | null;
  while (next !== null && next !== Object.prototype) {
    found.push(next);
    next = Object.getPrototypeOf(next) as object | null;
  }
  return found;
}
