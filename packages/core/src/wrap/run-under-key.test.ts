import { setTimeout as later } from "node:timers/promises";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AgentKey } from "../agent-key.ts";
import type { Outcome } from "../audit/event.ts";
import { currentKey, underKey } from "../context.ts";
import { internalsOf } from "../internals.ts";
import { type TestKeys, testKeys } from "../testing/index.ts";
import { type Classify, errorOutcome, runUnderKey } from "./run-under-key.ts";

afterEach(() => vi.useRealTimers());

function setUp(expiresIn = 10): { keys: TestKeys; key: AgentKey } {
  const keys = testKeys();
  return { keys, key: internalsOf(keys).mint(() => "t:run", { expiresIn }) };
}

function outcomes({ events }: TestKeys): readonly string[] {
  return events.flatMap((event) => (event.type === "key.closed" ? [event.outcome] : []));
}

interface Trace {
  readonly look: () => void;
}

/** What the body saw at each of its steps. */
function traced(): Trace & { readonly seen: (string | undefined)[] } {
  const seen: (string | undefined)[] = [];
  return { seen, look: () => void seen.push(currentKey()?.id) };
}

function failure(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("did not throw");
}

describe("a value", () => {
  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a number", 0],
    ["text", "text"],
    ["an array", [1, 2]],
    ["a map", new Map([["a", 1]])],
    ["an object with a field named then", withThen("later")],
    ["an object with a field named next", { next: 1 }],
    ["a function", () => 1],
  ])("%s comes back as itself and ends the call", (_, value) => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const result = runUnderKey(key, () => {
      look();
      return value;
    });
    expect(result).toBe(value);
    expect(seen).toEqual([key.id]);
    expect(key.closed).toBe(true);
    expect(outcomes(keys)).toEqual(["ok"]);
    expect(currentKey()).toBeUndefined();
  });

  test("what is thrown is thrown as it is", () => {
    const { keys, key } = setUp();
    const thrown = new Error("body");
    expect(failure(() => runUnderKey(key, () => rethrow(thrown)))).toBe(thrown);
    expect(outcomes(keys)).toEqual(["error"]);
  });

  test("a value that cannot be looked at closes the key too", () => {
    const { keys, key } = setUp();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(failure(() => runUnderKey(key, () => proxy))).toBeInstanceOf(TypeError);
    expect(outcomes(keys)).toEqual(["error"]);
  });
});

describe("a promise", () => {
  test("keeps the key open until it settles, and the body under it across awaits", async () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const result = runUnderKey(key, async () => {
      look();
      await later(1);
      look();
      return "value";
    });
    expect(result).toBeInstanceOf(Promise);
    expect(outcomes(keys)).toEqual([]);
    expect(key.closed).toBe(false);
    expect(await result).toBe("value");
    expect(seen).toEqual([key.id, key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("a rejection is the same rejection", async () => {
    const { keys, key } = setUp();
    const thrown = new Error("body");
    await expect(runUnderKey(key, () => Promise.reject(thrown))).rejects.toBe(thrown);
    expect(outcomes(keys)).toEqual(["error"]);
  });

  test("an AbortError is a cancelled call, a time-out an error", async () => {
    const aborted = setUp();
    const abort = new DOMException("stopped", "AbortError");
    await expect(runUnderKey(aborted.key, () => Promise.reject(abort))).rejects.toBe(abort);
    expect(outcomes(aborted.keys)).toEqual(["cancelled"]);
    expect(errorOutcome(new DOMException("slow", "TimeoutError"))).toBe("error");
    expect(errorOutcome({ name: "AbortError" })).toBe("error");
    expect(errorOutcome(undefined)).toBe("error");
  });

  test("a thenable whose then returns nothing still delivers, once", async () => {
    const { keys, key } = setUp();
    let started = 0;
    const thenable = withThen((resolve: (value: number) => void) => {
      started += 1;
      resolve(5);
    });
    expect(await runUnderKey(key, () => thenable)).toBe(5);
    expect(started).toBe(1);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("a lazy thenable, as query builders are, does its work under the key", async () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const query = withThen((resolve: (value: string) => void) => {
      look();
      resolve("rows");
    });
    expect(await runUnderKey(key, () => query)).toBe("rows");
    expect(seen).toEqual([key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("a thenable that throws from then is a rejection", async () => {
    const { keys, key } = setUp();
    const thrown = new Error("then");
    const thenable = withThen(() => rethrow(thrown));
    await expect(runUnderKey(key, () => thenable)).rejects.toBe(thrown);
    expect(outcomes(keys)).toEqual(["error"]);
  });
});

describe("how an end is classified", () => {
  test("by the framework's own reading of results and errors", async () => {
    const classify: Classify = {
      result: (value) => (value === "bad" ? "error" : "ok"),
      error: () => "interrupted",
    };
    const returned = setUp();
    expect(runUnderKey(returned.key, () => "bad", classify)).toBe("bad");
    expect(outcomes(returned.keys)).toEqual(["error"]);
    const thrown = setUp();
    await expect(
      runUnderKey(thrown.key, () => Promise.reject(new Error("body")), classify),
    ).rejects.toThrow("body");
    expect(outcomes(thrown.keys)).toEqual(["interrupted"]);
  });

  test("a reading that fails does not change the result", async () => {
    const classify: Classify = { result: () => rethrow(new Error("classify")) };
    const value = setUp();
    expect(runUnderKey(value.key, () => 7, classify)).toBe(7);
    expect(outcomes(value.keys)).toEqual(["error"]);
    const promise = setUp();
    expect(await runUnderKey(promise.key, async () => 7, classify)).toBe(7);
    expect(outcomes(promise.keys)).toEqual(["error"]);
  });

  test("a result after the expiry is on record as expired, with its true duration", async () => {
    const { keys, key } = setUp(1);
    await runUnderKey(key, async () => {
      keys.clock.advance("4s");
      await later(20);
    });
    const [closed] = keys.events.filter((event) => event.type === "key.closed");
    expect(closed).toMatchObject({ outcome: "expired", keyId: key.id });
    expect(closed?.durationMs).toBeGreaterThanOrEqual(15);
    expect(closed?.durationMs).toBeLessThan(10_000);
  });
});

describe("an abort signal", () => {
  test("that fired before closes the key before the body runs", async () => {
    const { keys, key } = setUp();
    const closedInside = runUnderKey(key, () => key.closed, { signal: AbortSignal.abort() });
    expect(closedInside).toBe(true);
    expect(outcomes(keys)).toEqual(["cancelled"]);
    await expect(keys.verify(key.token)).rejects.toMatchObject({ code: "key_closed" });
  });

  test("that fires during the call closes the key at once; the body's result still comes", async () => {
    const { keys, key } = setUp();
    const controller = new AbortController();
    const gate = Promise.withResolvers<string>();
    const result = runUnderKey(key, () => gate.promise, { signal: controller.signal });
    controller.abort();
    expect(outcomes(keys)).toEqual(["cancelled"]);
    gate.resolve("late");
    expect(await result).toBe("late");
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("that fires afterwards changes nothing, and nothing listens to it any more", async () => {
    const { keys, key } = setUp();
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, "removeEventListener");
    await runUnderKey(key, async () => "done", { signal: controller.signal });
    expect(removed).toHaveBeenCalledOnce();
    controller.abort();
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("between two steps of a generator closes the key; the generator may finish", async () => {
    const { keys, key } = setUp();
    const controller = new AbortController();
    const steps = runUnderKey(key, counting(traced()), { signal: controller.signal });
    await steps.next();
    controller.abort();
    expect(outcomes(keys)).toEqual(["cancelled"]);
    expect(await collect(steps)).toEqual([2, 3]);
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });
});

describe("an async generator", () => {
  test("runs each step under the key and closes it when it finishes", async () => {
    const { keys, key } = setUp();
    const trace = traced();
    const steps = runUnderKey(key, counting(trace));
    expect(Symbol.asyncIterator in steps).toBe(true);
    expect(steps.constructor).toBe(counting(trace)().constructor);
    expect(Object.prototype.toString.call(steps)).toBe("[object AsyncGenerator]");
    expect(trace.seen).toEqual([]);
    const values: number[] = [];
    for await (const value of steps) {
      expect(currentKey()).toBeUndefined();
      expect(key.closed).toBe(false);
      values.push(value);
    }
    expect(values).toEqual([1, 2, 3]);
    expect(trace.seen).toEqual([key.id, key.id, key.id, key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("keeps the key of its own call when two run interleaved", async () => {
    const [a, b] = [setUp(), setUp()];
    const [traceA, traceB] = [traced(), traced()];
    const stepsA = runUnderKey(a.key, counting(traceA));
    const stepsB = runUnderKey(b.key, counting(traceB));
    await stepsA.next();
    await Promise.all([stepsB.next(), stepsA.next(), stepsB.next(), stepsA.next()]);
    expect(new Set(traceA.seen)).toEqual(new Set([a.key.id]));
    expect(new Set(traceB.seen)).toEqual(new Set([b.key.id]));
  });

  test("keeps the run it was called in, wherever it is iterated", async () => {
    const keys = testKeys();
    const key = internalsOf(keys).mint(() => "t:run", {});
    const steps = keys.run({ txn: "mine" }, () =>
      runUnderKey(key, async function* () {
        using nested = keys.mint("t:nested");
        yield nested.txn;
      }),
    );
    const { value } = await keys.run({ txn: "other" }, () => steps.next());
    expect(value).toBe("mine");
  });

  test("left early is cancelled, after its own clean-up ran under the key", async () => {
    const { keys, key } = setUp();
    const trace = traced();
    const steps = runUnderKey(key, async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        trace.look();
      }
    });
    for await (const value of steps) if (value === 1) break;
    expect(trace.seen).toEqual([key.id]);
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("returned before its first step is cancelled", async () => {
    const { keys, key } = setUp();
    const steps = runUnderKey(key, counting(traced()));
    expect(await steps.return?.(9)).toEqual({ done: true, value: 9 });
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("that goes on after return() stays open until it ends", async () => {
    const { keys, key } = setUp();
    const steps = runUnderKey(key, async function* (): AsyncGenerator<string> {
      try {
        yield "first";
      } finally {
        yield "still here";
      }
    });
    await steps.next();
    expect(await steps.return("stop")).toEqual({ done: false, value: "still here" });
    expect(outcomes(keys)).toEqual([]);
    expect(await steps.next()).toEqual({ done: true, value: "stop" });
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("throw() that is not caught is an error, one that is caught goes on", async () => {
    const uncaught = setUp();
    const thrown = new Error("from outside");
    await expect(runUnderKey(uncaught.key, counting(traced())).throw(thrown)).rejects.toBe(thrown);
    expect(outcomes(uncaught.keys)).toEqual(["error"]);

    const caught = setUp();
    const trace = traced();
    const steps = runUnderKey(caught.key, async function* (): AsyncGenerator<string> {
      try {
        yield "first";
      } catch {
        trace.look();
        yield "caught";
      }
    });
    await steps.next();
    expect(await steps.throw(thrown)).toEqual({ done: false, value: "caught" });
    expect(outcomes(caught.keys)).toEqual([]);
    await steps.next();
    expect(trace.seen).toEqual([caught.key.id]);
    expect(outcomes(caught.keys)).toEqual(["ok"]);
  });

  test("that throws is an error", async () => {
    const { keys, key } = setUp();
    const thrown = new Error("step");
    const steps = runUnderKey(key, async function* () {
      yield 1;
      throw thrown;
    });
    await expect(collect(steps)).rejects.toBe(thrown);
    expect(outcomes(keys)).toEqual(["error"]);
  });

  test("disposed of is cancelled", async () => {
    const { keys, key } = setUp();
    {
      await using steps = runUnderKey(key, counting(traced()));
      await steps.next();
    }
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("its last value, or what it returns, is what is classified", async () => {
    const result = vi.fn<() => Outcome>(() => "ok");
    await collect(runUnderKey(setUp().key, counting(traced()), { result }));
    expect(result).toHaveBeenLastCalledWith(3);
    const returning = async function* (): AsyncGenerator<number, string> {
      yield 1;
      return "end";
    };
    await collect(runUnderKey(setUp().key, returning, { result }));
    expect(result).toHaveBeenLastCalledWith("end");
  });

  test("never iterated: its key closes with its expiry", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { keys, key } = setUp(10);
    const trace = traced();
    runUnderKey(key, counting(trace));
    vi.advanceTimersByTime(11_999);
    expect(outcomes(keys)).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(outcomes(keys)).toEqual(["expired"]);
    expect(key.closed).toBe(true);
    expect(trace.seen).toEqual([]);
  });
});

describe("other iterables", () => {
  test("a synchronous generator stays one", () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const steps = runUnderKey(key, function* () {
      look();
      yield 1;
      look();
      yield 2;
    });
    expect(steps.next()).toEqual({ done: false, value: 1 });
    expect([...steps]).toEqual([2]);
    expect(seen).toEqual([key.id, key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("a synchronous generator's helpers step under the key", () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const steps = runUnderKey(key, function* () {
      look();
      yield 1;
    });
    const helpers = steps as unknown as { map(by: (value: number) => number): Iterable<number> };
    expect(Array.from(helpers.map((value) => value * 2))).toEqual([2]);
    expect(seen).toEqual([key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("a custom async iterable makes its iterator under the key, and need not know return", async () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const iterable = {
      [Symbol.asyncIterator]: () => {
        look();
        let count = 0;
        const next = async (): Promise<IteratorResult<number>> => {
          look();
          count += 1;
          return { done: false, value: count };
        };
        return { next };
      },
    };
    for await (const value of runUnderKey(key, () => iterable)) if (value === 2) break;
    expect(seen).toEqual([key.id, key.id, key.id]);
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("a frozen one works as before", async () => {
    const { keys, key } = setUp();
    const frozen = Object.freeze({
      label: "frozen",
      next: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    });
    const steps = runUnderKey(key, () => frozen);
    expect(steps.label).toBe("frozen");
    expect(await collect(steps)).toEqual([]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("private members of a class work", async () => {
    class Pages {
      #left = 2;
      get left(): number {
        return this.#left;
      }
      async *[Symbol.asyncIterator](): AsyncGenerator<string | undefined> {
        for (; this.#left > 0; this.#left -= 1) yield currentKey()?.id;
      }
    }
    const { keys, key } = setUp();
    const pages = runUnderKey(key, () => new Pages());
    expect(pages).toBeInstanceOf(Pages);
    expect(pages.left).toBe(2);
    expect(await collect(pages)).toEqual([key.id, key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("a ReadableStream reads under the key, and cancelling it is cancelling the call", async () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const cancel = vi.fn<() => void>();
    const stream = new ReadableStream<number>(
      { pull: (controller) => controller.enqueue(1), cancel },
      { highWaterMark: 0 },
    );
    const wrapped = runUnderKey(key, () => (look(), stream));
    expect(wrapped).toBeInstanceOf(ReadableStream);
    expect(wrapped.locked).toBe(false);
    for await (const value of wrapped) if (value === 1) break;
    expect(cancel).toHaveBeenCalledOnce();
    expect(seen).toEqual([key.id]);
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("that comes by a promise runs under the key as well, and ends the call at its end", async () => {
    const { keys, key } = setUp();
    const trace = traced();
    const steps = await runUnderKey(key, async () => counting(trace)());
    expect(key.closed).toBe(false);
    expect(await collect(steps)).toEqual([1, 2, 3]);
    expect(trace.seen).toEqual([key.id, key.id, key.id, key.id]);
    expect(outcomes(keys)).toEqual(["ok"]);

    const without = traced();
    const keyless = await runUnderKey(undefined, async () => counting(without)());
    await underKey(setUp().key)(() => collect(keyless));
    expect(without.seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("a promised stream, which is no generator, is a value and comes back as itself", async () => {
    const { keys, key } = setUp();
    const stream = new ReadableStream();
    expect(await runUnderKey(key, async () => stream)).toBe(stream);
    expect(outcomes(keys)).toEqual(["ok"]);
  });

  test("without a key the steps see none, even inside another call", async () => {
    const { key } = setUp();
    const { seen, look } = traced();
    const steps = runUnderKey(undefined, counting({ look }));
    await underKey(key)(() => collect(steps));
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("exactly one close", () => {
  const step = fc.constantFrom(
    "next",
    "next",
    "next",
    "return",
    "throw",
    "abort",
    "close",
    "expire",
  );

  test("whatever happens to an async generator, in whatever order", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const reached = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.nat(3), async (actions, throwsAt) => {
        const { keys, key } = setUp(10);
        const controller = new AbortController();
        const steps = runUnderKey(key, failingAt(throwsAt), { signal: controller.signal });
        const acts: Record<
          typeof step extends fc.Arbitrary<infer T> ? T & string : never,
          () => unknown
        > = {
          next: () => steps.next(),
          return: () => steps.return(0),
          throw: () => steps.throw(new Error("from outside")),
          abort: () => controller.abort(),
          close: () => key.close("interrupted"),
          expire: () => vi.advanceTimersByTime(12_000),
        };
        // Not awaited one by one: steps overlap, as a consumer in a hurry makes them.
        await Promise.allSettled(actions.map((action) => acts[action]()));
        expect(outcomes(keys).length).toBeLessThanOrEqual(1);
        vi.advanceTimersByTime(12_000);
        controller.abort();
        expect(outcomes(keys)).toHaveLength(1);
        expect(key.closed).toBe(true);
        reached.add(outcomes(keys)[0] ?? "");
      }),
      { numRuns: 400 },
    );
    expect(reached).toEqual(new Set(["ok", "error", "cancelled", "interrupted", "expired"]));
  });
});

function counting(trace: Trace): () => AsyncGenerator<number> {
  return async function* () {
    for (const value of [1, 2, 3]) {
      trace.look();
      yield value;
    }
    trace.look();
  };
}

function failingAt(step: number): () => AsyncGenerator<number> {
  return async function* () {
    for (const value of [0, 1]) {
      if (value === step) throw new Error("step");
      yield value;
    }
  };
}

/** What an ORM's query is, or a value that only looks like one. */
function withThen(member: unknown): PromiseLike<unknown> {
  const object = {};
  Reflect.set(object, "then", member);
  return object as PromiseLike<unknown>;
}

async function collect<T>(steps: AsyncIterable<T>): Promise<readonly T[]> {
  const values: T[] = [];
  for await (const value of steps) values.push(value);
  return values;
}

function rethrow(error: unknown): never {
  throw error as Error;
}
