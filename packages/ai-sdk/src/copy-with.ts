/**
 * A copy of an object with some members replaced. What a spread would lose is kept: the prototype,
 * symbols, non-enumerable members, accessors. What runs on the original and not on a copy still does,
 * `#private` members above all: accessors and inherited methods are called on the original.
 */
export function copyWith<T extends object>(
  original: T,
  replaced: Readonly<Record<string, unknown>>,
): T {
  const prototype = Object.getPrototypeOf(original) as object | null;
  const copy = Object.create(prototype) as T;
  for (const holder of holders(original)) {
    for (const key of Reflect.ownKeys(holder)) {
      const found = Reflect.getOwnPropertyDescriptor(holder, key);
      if (found === undefined || Object.hasOwn(copy, key)) continue;
      const kept =
        holder === original ? ownMember(original, found) : inherited(original, key, found);
      if (kept !== undefined) Reflect.defineProperty(copy, key, kept);
    }
  }
  for (const [key, value] of Object.entries(replaced)) {
    const enumerable = Reflect.getOwnPropertyDescriptor(original, key)?.enumerable ?? false;
    Reflect.defineProperty(copy, key, { value, enumerable, configurable: true, writable: true });
  }
  return copy;
}

/** The object and its prototypes, nearest first, without the one that every object has. */
export function holders(original: object): readonly object[] {
  const found: object[] = [];
  let next: object | null = original;
  while (next !== null && !isRoot(next)) {
    found.push(next);
    next = Object.getPrototypeOf(next) as object | null;
  }
  return found;
}

/** `Object.prototype`, of any realm; a record without a prototype is none. */
function isRoot(holder: object): boolean {
  const method = Reflect.getOwnPropertyDescriptor(holder, "isPrototypeOf");
  return Object.getPrototypeOf(holder) === null && typeof method?.value === "function";
}

// Everything is configurable on the copy, so that members of a frozen object can be replaced.
function ownMember(original: object, found: PropertyDescriptor): PropertyDescriptor {
  return isAccessor(found) ? forwarded(original, found) : { ...found, configurable: true };
}

/** Plain inherited values are left to the prototype, which the copy shares. */
function inherited(
  original: object,
  key: PropertyKey,
  found: PropertyDescriptor,
): PropertyDescriptor | undefined {
  if (isAccessor(found)) return { ...forwarded(original, found), enumerable: false };
  const method: unknown = found.value;
  if (typeof method !== "function" || key === "constructor") return undefined;
  const value = (...args: unknown[]): unknown => Reflect.apply(method, original, args);
  return { value, enumerable: false, configurable: true, writable: true };
}

function isAccessor(found: PropertyDescriptor): boolean {
  return !("value" in found);
}

function forwarded(original: object, found: PropertyDescriptor): PropertyDescriptor {
  const accessors = { ...found } as Readonly<Record<"get" | "set", Forwardable | undefined>>;
  const { get, set } = accessors;
  return {
    enumerable: found.enumerable === true,
    configurable: true,
    ...(get === undefined ? {} : { get: () => Reflect.apply(get, original, []) }),
    ...(set === undefined ? {} : { set: (value) => Reflect.apply(set, original, [value]) }),
  };
}

type Forwardable = (this: object, ...args: unknown[]) => unknown;
