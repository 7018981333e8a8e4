import { isNative, isPromiseLike, watch } from "./promise.ts";

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

/**
 * Stands before an iterable, so that every step of it runs under the key: entering the context
 * around the call that made a generator would not cover its body.
 */
export function overIterator(
  iterable: object,
  kind: IteratorKind,
  within: <T>(step: () => T) => T,
  end: End,
): object {
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
  const stepper = (name: PropertyKey, method: Method, on: object): Method => {
    return (...args) => {
      try {
        return within(() => {
          const step = method.apply(on, args);
          if (isNative(step)) {
            watch(step, (value) => void settle(name, value), end.thrown);
            return step;
          }
          return isPromiseLike(step)
            ? Promise.resolve(step).then((value) => settle(name, value), failed)
            : settle(name, step);
        });
      } catch (error) {
        return failed(error);
      }
    };
  };
  /** An iterator without `return` does not learn that its consumer stopped early; the key does. */
  const stop: Method = (value) => {
    const step = { done: true, value };
    end.cancelled();
    return kind === Symbol.asyncIterator ? Promise.resolve(step) : step;
  };
  const proxied = (on: object): object => {
    const proxy: object = new Proxy(withoutFixed(on), {
      get(_, name) {
        const member: unknown = Reflect.get(on, name, on);
        if (name === "return" && member === undefined && "next" in on) return stop;
        if (typeof member !== "function" || name === "constructor") return member;
        const method = member as Method;
        if (STEPS.has(name)) return stepper(name, method, on);
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
