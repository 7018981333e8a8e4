import { setTimeout as later } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { collect, counting, outcomes, rethrow, setUp, traced } from "../../test/traced-call.ts";
import { currentKey } from "../context.ts";
import { type Classify, errorOutcome, runUnderKey } from "./run-under-key.ts";

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

  test("is handed on as it is; the key is closed before it is heard", async () => {
    for (const settle of [Promise.resolve("value"), Promise.reject(new Error("body"))]) {
      const { keys, key } = setUp();
      const result = runUnderKey(key, () => settle);
      expect(result).toBe(settle);
      const outcomesWhenHeard = result.then(
        () => outcomes(keys),
        () => outcomes(keys),
      );
      expect(outcomes(keys)).toEqual([]);
      expect(await outcomesWhenHeard).toHaveLength(1);
    }
  });

  test("a promise with a then of its own is asked once: asking may be what starts its work", async () => {
    let asked = 0;
    const query = Promise.resolve("rows");
    Reflect.set(query, "then", (...handlers: Parameters<typeof query.then>) => {
      asked += 1;
      return Promise.resolve("rows").then(...handlers);
    });
    const { keys, key } = setUp();
    const result = runUnderKey(key, () => query);
    await expect(result).resolves.toBe("rows");
    expect(asked).toBe(1);
    expect(outcomes(keys)).toEqual(["ok"]);
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

/** What an ORM's query is, or a value that only looks like one. */
function withThen(member: unknown): PromiseLike<unknown> {
  const object = {};
  Reflect.set(object, "then", member);
  return object as PromiseLike<unknown>;
}
