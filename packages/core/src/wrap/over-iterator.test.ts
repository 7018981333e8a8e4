import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { collect, counting, outcomes, setUp, traced } from "../../test/traced-call.ts";
import type { Outcome } from "../audit/event.ts";
import { currentKey, underKey } from "../context.ts";
import { internalsOf } from "../internals.ts";
import { type TestKeys, testKeys } from "../testing/index.ts";
import { runUnderKey } from "./run-under-key.ts";

afterEach(() => void vi.useRealTimers());

describe("an async generator", () => {
  test("runs each step under the key and closes it when it finishes", async () => {
    const { keys, key } = setUp();
    const trace = traced();
    const steps = runUnderKey(key, counting(trace));
    expect(Symbol.asyncIterator in steps).toBe(true);
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
    pass(keys, 11.999);
    expect(outcomes(keys)).toEqual([]);
    pass(keys, 0.001);
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

  test("a step comes as the iterator's own promise; the key is closed before the last is heard", async () => {
    const { keys, key } = setUp();
    const last = Promise.resolve({ done: true, value: "end" } as const);
    const next = (): typeof last => last;
    const steps = runUnderKey(key, () => ({ next, [Symbol.asyncIterator]: () => steps }));
    expect(steps.next()).toBe(last);
    expect(await last.then(() => outcomes(keys))).toEqual(["ok"]);
  });

  test("a step that is no object comes back as it is", async () => {
    const broken = { next: (): unknown => undefined, [Symbol.iterator]: (): unknown => broken };
    const { keys, key } = setUp();
    expect(runUnderKey(key, () => broken).next()).toBeUndefined();
    const promised = { next: async () => null, [Symbol.asyncIterator]: (): unknown => promised };
    expect(await runUnderKey(setUp().key, () => promised).next()).toBeNull();
    expect(outcomes(keys)).toEqual([]);
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
      skip(): void {
        this.#left -= 1;
      }
      async *[Symbol.asyncIterator](): AsyncGenerator<string | undefined> {
        for (; this.#left > 0; this.#left -= 1) yield currentKey()?.id;
      }
    }
    const { keys, key } = setUp();
    const pages = runUnderKey(key, () => new Pages());
    expect(pages).toBeInstanceOf(Pages);
    expect(pages.constructor).toBe(Pages);
    expect(pages.left).toBe(2);
    pages.skip();
    expect(await collect(pages)).toEqual([key.id]);
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

  test("that comes by a promise is the tool's own, and cannot be left early unnoticed", async () => {
    const { keys, key } = setUp();
    const { seen, look } = traced();
    const cursor = {
      next: async () => (look(), { done: false, value: 1 }),
      [Symbol.asyncIterator]: () => (look(), { next: cursor.next }),
    };
    const steps = await runUnderKey(key, async () => cursor);
    expect(steps).toBe(cursor);
    for await (const value of steps) if (value === 1) break;
    expect(seen).toEqual([key.id, key.id]);
    expect(outcomes(keys)).toEqual(["cancelled"]);
  });

  test("that comes by a promise and is frozen has no key: its call ended with the promise", async () => {
    const { keys, key } = setUp();
    const trace = traced();
    const steps = await runUnderKey(key, async () => Object.freeze(counting(trace)()));
    expect(outcomes(keys)).toEqual(["ok"]);
    expect(await collect(steps)).toEqual([1, 2, 3]);
    expect(trace.seen).toEqual([undefined, undefined, undefined, undefined]);
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
          expire: () => pass(keys, 12),
        };
        // Not awaited one by one: steps overlap, as a consumer in a hurry makes them.
        await Promise.allSettled(actions.map((action) => acts[action]()));
        expect(outcomes(keys).length).toBeLessThanOrEqual(1);
        pass(keys, 12);
        controller.abort();
        expect(outcomes(keys)).toHaveLength(1);
        expect(key.closed).toBe(true);
        reached.add(outcomes(keys)[0] ?? "");
      }),
      // One that runs to its end is rare among random ones: told apart from never by being there.
      { numRuns: 400, examples: [[["next", "next", "next"], 3]] },
    );
    expect(reached).toEqual(new Set(["ok", "error", "cancelled", "interrupted", "expired"]));
  });
});

/** Time passes, for the keys' own clock and for timers. */
function pass(keys: TestKeys, seconds: number): void {
  keys.clock.advance(seconds);
  vi.advanceTimersByTime(seconds * 1000);
}

function failingAt(step: number): () => AsyncGenerator<number> {
  return async function* () {
    for (const value of [0, 1]) {
      if (value === step) throw new Error("step");
      yield value;
    }
  };
}
