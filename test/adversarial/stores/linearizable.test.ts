import { memoryStore, type Reservation, type UseCounter } from "@agent-keys/core";
import { describe, expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { linearization, type Model, type Operation } from "./linearizable.ts";
import { type CounterHistory, recordHistory } from "./use-counter-history.ts";
import { useCounterModel } from "./use-counter-model.ts";

/** A register that is written and read, for the checker alone. */
const register: Model<number, { readonly write?: number }, number> = {
  initial: 0,
  step(state, { write }, output) {
    if (write !== undefined) return output === undefined ? [write, state] : [write];
    return output === undefined || output === state ? [state] : [];
  },
  key: String,
};

type Step = Operation<{ readonly write?: number }, number>;
const write = (value: number, called: number, returned: number): Step => {
  const output = returned === Infinity ? undefined : value;
  return { input: { write: value }, output, called, returned };
};
const read = (output: number, called: number, returned: number): Step => ({
  input: {},
  output,
  called,
  returned,
});

describe("the checker", () => {
  test.each<[string, readonly Step[], boolean]>([
    ["nothing", [], true],
    ["one after the other", [write(1, 1, 2), read(1, 3, 4)], true],
    ["a stale read", [write(1, 1, 2), read(0, 3, 4)], false],
    ["a read beside the write, of the old", [write(1, 1, 4), read(0, 2, 3)], true],
    ["a read beside the write, of the new", [write(1, 1, 4), read(1, 2, 3)], true],
    ["the new, then the old", [write(1, 1, 6), read(1, 2, 3), read(0, 4, 5)], false],
    ["the old, then the new", [write(1, 1, 6), read(0, 2, 3), read(1, 4, 5)], true],
    ["a value nobody wrote", [write(1, 1, 2), read(2, 1, 3)], false],
    ["a write that never came back, seen", [write(1, 1, Infinity), read(1, 2, 3)], true],
    ["a write that never came back, not seen", [write(1, 1, Infinity), read(0, 2, 3)], true],
    [
      "a write that never came back, seen late",
      [write(1, 1, Infinity), read(0, 2, 3), read(1, 4, 5)],
      true,
    ],
    [
      "a write that never came back, seen before it began",
      [read(1, 1, 2), write(1, 3, Infinity)],
      false,
    ],
  ])("judges %s", (_, history, expected) => {
    expect(linearization(history, register) !== undefined).toBe(expected);
    expect(linearization(history.toReversed(), register) !== undefined).toBe(expected);
  });

  test("gives the order, by the history's own places", () => {
    expect(linearization([read(1, 2, 3), write(1, 1, 4)], register)).toEqual([1, 0]);
  });
});

/** Many histories of a counter that each is new. The first that nothing explains, if any. */
async function unexplained(
  open: () => UseCounter,
  histories: number,
): Promise<CounterHistory | undefined> {
  const random = seeded("linearizable", 20_261_124);
  for (let i = 0; i < histories; i += 1) {
    const history = await recordHistory({ counters: [open()], random });
    if (linearization(history, useCounterModel) === undefined) return history;
  }
  return undefined;
}

const memory = (): UseCounter => memoryStore({ now: Date.now }).uses;

test("histories of the memory store are as if it did one thing at a time", async () => {
  const random = seeded("memory", 20_261_125);
  const outcomes = new Map<string, number>();
  let operations = 0;
  for (let i = 0; i < 1_000; i += 1) {
    const clients = 2 + random.below(9);
    const history = await recordHistory({ counters: [memory()], random, clients });
    expect(linearization(history, useCounterModel)).toHaveLength(history.length);
    operations += history.length;
    for (const { input, output } of history) {
      const what = `${input.ask} ${output}`;
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
    }
  }
  console.log(`${operations} operations, by what they came to:`, Object.fromEntries(outcomes));
  // Each of them often, or the histories would say little.
  for (const what of ["done", "used_up", "too_many", "unknown"]) {
    expect(outcomes.get(`reserve ${what}`)).toBeGreaterThan(500);
  }
});

/** A memory store of which one part is done wrong. */
function broken(change: (counter: UseCounter) => Partial<UseCounter>): () => UseCounter {
  return () => {
    const counter = memory();
    return { ...counter, ...change(counter) };
  };
}

const settling = (change: (reserved: Reservation) => object) =>
  broken((counter) => ({
    reserve: async (charges) => {
      const reserved = await counter.reserve(charges);
      if (typeof reserved !== "object" || "refusal" in reserved) return reserved;
      return { ...reserved, ...change(reserved) };
    },
  }));

test.each<[string, () => UseCounter]>([
  [
    "checks, waits, and then counts",
    broken((counter) => ({
      reserve: async (charges) => {
        const left = await counter.peek(charges);
        if (left !== "available") return left;
        await new Promise((resolve) => setImmediate(resolve));
        const one = await counter.reserve(charges);
        return typeof one === "object" ? one : { commit: async () => {}, release: async () => {} };
      },
    })),
  ],
  ["never gives back", settling(() => ({ release: async () => {} }))],
  ["gives back what was used", settling((use) => ({ commit: () => use.release() }))],
  [
    "gives back late",
    settling((use) => ({
      release: async () => {
        setImmediate(() => void use.release());
      },
    })),
  ],
  [
    "counts each charge by itself",
    broken((counter) => ({
      reserve: async (charges) => {
        const each: Reservation[] = [];
        for (const charge of charges) {
          const one = await counter.reserve([charge]);
          if (typeof one !== "object" || "refusal" in one) return one;
          each.push(one);
        }
        return {
          commit: async () => void (await Promise.all(each.map((one) => one.commit()))),
          release: async () => void (await Promise.all(each.map((one) => one.release()))),
        };
      },
    })),
  ],
  [
    "answers a peek from a while ago",
    broken((counter) => {
      const first = new Map<string, ReturnType<UseCounter["peek"]>>();
      return {
        peek: (charges) => {
          const name = JSON.stringify(charges);
          const known = first.get(name) ?? counter.peek(charges);
          first.set(name, known);
          return known;
        },
      };
    }),
  ],
  [
    "says used up before unknown",
    broken((counter) => ({
      reserve: async (charges) => {
        const counted = charges.filter(({ kind }) => kind !== "intent");
        const left = await counter.peek(counted);
        return left === "available" ? await counter.reserve(charges) : left;
      },
    })),
  ],
])("a counter that %s is found out", async (_, open) => {
  expect(await unexplained(open, 300)).toBeDefined();
});
