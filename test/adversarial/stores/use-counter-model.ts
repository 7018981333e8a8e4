import type { Charge } from "@agent-keys/core";
import type { Model } from "./linearizable.ts";

/** What is asked of a counter. A settling names the reservation by the number that it was given. */
export type CounterInput =
  | { readonly ask: "reserve" | "peek"; readonly charges: readonly Charge[]; readonly by: number }
  | {
      readonly ask: "commit" | "release";
      readonly charges: readonly Charge[];
      readonly by: number;
    };

/** What it comes to. */
export type CounterOutput = "done" | "available" | "unknown" | "used_up" | "too_many";

/** Counts by kind and id, and which reservation each outstanding intent is of. */
interface Counted {
  readonly counts: Readonly<Record<string, number>>;
  readonly intents: Readonly<Record<string, number>>;
}

/**
 * A counter that does one thing at a time, in the time in which no window passes, no intent expires, and
 * every key is newer than the store.
 */
export const useCounterModel: Model<Counted, CounterInput, CounterOutput> = {
  initial: { counts: {}, intents: {} },
  step(state, input, output) {
    const { expected, next } = decide(state, input);
    if (output === undefined) return [next, state];
    return output === expected ? [next] : [];
  },
  key: ({ counts, intents }) => JSON.stringify([sorted(counts), sorted(intents)]),
};

function decide(
  state: Counted,
  { ask, charges, by }: CounterInput,
): { readonly expected: CounterOutput; readonly next: Counted } {
  if (ask === "commit" || ask === "release") {
    return { expected: "done", next: settled(state, charges, by, ask) };
  }
  const refusal = refused(state, charges);
  if (refusal !== undefined) return { expected: refusal, next: state };
  if (ask === "peek") return { expected: "available", next: state };
  const counts = { ...state.counts };
  const intents = { ...state.intents };
  for (const charge of charges) {
    if (charge.kind === "intent") intents[charge.id] = by;
    else counts[nameOf(charge)] = countOf(state, charge) + 1;
  }
  return { expected: "done", next: { counts, intents } };
}

function refused(state: Counted, charges: readonly Charge[]): CounterOutput | undefined {
  const isFull = (kind: "uses" | "window"): boolean =>
    charges.some((charge) => charge.kind === kind && countOf(state, charge) >= charge.limit);
  if (charges.some(({ kind, id }) => kind === "intent" && id in state.intents)) return "unknown";
  if (isFull("uses")) return "used_up";
  return isFull("window") ? "too_many" : undefined;
}

function settled(
  state: Counted,
  charges: readonly Charge[],
  by: number,
  how: "commit" | "release",
): Counted {
  const counts = { ...state.counts };
  const intents = { ...state.intents };
  for (const charge of charges) {
    if (charge.kind !== "intent") {
      if (how === "release") counts[nameOf(charge)] = countOf(state, charge) - 1;
    } else if (intents[charge.id] === by) delete intents[charge.id];
  }
  return { counts, intents };
}

function countOf({ counts }: Counted, charge: Charge): number {
  return counts[nameOf(charge)] ?? 0;
}

function nameOf({ kind, id }: Charge): string {
  return `${kind} ${id}`;
}

function sorted(record: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(record)
    .filter(([, value]) => value !== 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
