import { isPromiseLike, native, watch } from "./promise.ts";

/** What a call's end is reported to. Only the first report counts. */
export interface End {
  readonly returned: (value: unknown) => void;
  /** The consumer stopped before the end. */
  readonly cancelled: () => void;
  readonly thrown: (error: unknown) => void;
}

export type IteratorKind = typeof Symbol.iterator | typeof Symbol.asyncIterator;
type Method = (...args: unknown[]) => unknown;

/**
 * A generator or an async iterable is work to come; an array or a map is a value.
 *
 * @param only - Only generators, and what has their `next`, count as work.
 */
export function iteratorKind(
  result: unknown,
  only: { readonly generator?: boolean } = {},
): IteratorKind | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const steps = "next" in result;
  if (Symbol.asyncIterator in result && (steps || only.generator !== true)) {
    return Symbol.asyncIterator;
  }
  return Symbol.iterator in result && steps ? Symbol.iterator : undefined;
}

type Within = <T>(step: () => T) => T;

/**
 * Stands before an iterable, so that every step of it runs under the key: entering the context
 * around the call that made a generator would not cover its body.
 */
export function overIterator(
  iterable: object,
  kind: IteratorKind,
  within: Within,
  end: End,
): object {
  const { step, stop } = stepping(kind, within, end);
  const proxied = (on: object): object => {
    const proxy: object = new Proxy(withoutFixed(on), {
      get(_, name) {
        const member: unknown = Reflect.get(on, name, on);
        if (name === "return" && member === undefined && "next" in on) return stop;
        if (typeof member !== "function" || name === "constructor") return member;
        const method = member as Method;
        if (STEPS.has(name)) return step(name, method, on);
        // What every iterator inherits, such as `map` and disposal, goes by the steps above.
        if (name !== kind) return method.bind(isInherited(name, method) ? proxy : on);
        return () => {
          const made = within(() => method.apply(on, [])) as object;
          return made === on ? proxy : proxied(made);
        };
      },
    });
    return proxy;
  };
  return proxied(iterable);
}

/**
 * The same for a generator that somebody holds already, so that nothing can stand before it: its own
 * steps are exchanged. A frozen one is left alone, and `false` returned.
 */
export function overSteps(
  generator: object,
  kind: IteratorKind,
  within: Within,
  end: End,
): boolean {
  if (!Object.isExtensible(generator)) return false;
  const { step, stop } = stepping(kind, within, end);
  const exchange = (name: PropertyKey, value: Method): boolean =>
    Reflect.defineProperty(generator, name, { value, configurable: true, writable: true });
  return [kind, ...STEPS].every((name) => {
    const method = Reflect.get(generator, name) as Method | undefined;
    if (method === undefined) return name !== "return" || exchange(name, stop);
    if (name !== kind) return exchange(name, step(name, method, generator));
    if (isInherited(name, method)) return true;
    return exchange(name, () => {
      const made = within(() => method.apply(generator, [])) as object;
      return made === generator ? made : overIterator(made, kind, within, end);
    });
  });
}

/** How an iterator's methods run under the key, and report its end. */
function stepping(kind: IteratorKind, within: Within, end: End) {
  let last: unknown;
  const settle = (name: PropertyKey, step: unknown): unknown => {
    const { done, value } = Object(step) as { done?: unknown; value?: unknown };
    if (done !== true) last = value;
    else if (name === "return") end.cancelled();
    else end.returned(value ?? last);
    return step;
  };
  const failed = (error: unknown): never => {
    end.thrown(error);
    throw error;
  };
  const step = (name: PropertyKey, method: Method, on: object): Method => {
    return (...args) => {
      try {
        return within(() => {
          const taken = method.apply(on, args);
          if (!isPromiseLike(taken)) return settle(name, taken);
          const promise = native(taken);
          watch(promise, (value) => void settle(name, value), end.thrown);
          return promise;
        });
      } catch (error) {
        return failed(error);
      }
    };
  };
  /** An iterator without `return` does not learn that its consumer stopped early; the key does. */
  const stop: Method = (value) => {
    const stopped = { done: true, value };
    end.cancelled();
    return kind === Symbol.asyncIterator ? Promise.resolve(stopped) : stopped;
  };
  return { step, stop };
}

const STEPS: ReadonlySet<PropertyKey> = new Set(["next", "return", "throw"]);

async function* anyGenerator(): AsyncGenerator<never> {}
const asyncIterators = prototypeOf(prototypeOf(anyGenerator.prototype as object));
const iterators = prototypeOf(prototypeOf([].values()));

function isInherited(name: PropertyKey, method: Method): boolean {
  return [iterators, asyncIterators].some((prototype) => Reflect.get(prototype, name) === method);
}

function prototypeOf(object: object): object {
  return Object.getPrototypeOf(object) as object;
}

/** A proxy may not answer otherwise for a frozen member, so an heir of its owner is proxied then. */
function withoutFixed(on: object): object {
  const fixed = Reflect.ownKeys(on).some((name) => {
    const member = Reflect.getOwnPropertyDescriptor(on, name);
    return member?.configurable === false && member.writable !== true;
  });
  return fixed ? (Object.create(on) as object) : on;
}
