import { setImmediate as turn } from "node:timers/promises";
import {
  AgentKeyError,
  type Charge,
  isReserved,
  type Reservation,
  type UseCounter,
} from "@agent-keys/core";
import type { Seeded } from "../seeded.ts";
import type { Operation } from "./linearizable.ts";
import type { CounterInput, CounterOutput } from "./use-counter-model.ts";

/** What was asked of a counter by all who asked, and what each saw. */
export type CounterHistory = readonly Operation<CounterInput, CounterOutput>[];

/** How a history comes about. */
export interface Recording {
  /** Handles of one counter: one, or one for each process that shares it. */
  readonly counters: readonly [UseCounter, ...UseCounter[]];
  readonly random: Seeded;
  /** How many ask at the same time. Default 6. */
  readonly clients?: number;
  /** How often each asks. Default 6. */
  readonly steps?: number;
  /** In front of every id, so that histories on one store do not meet. Default: none. */
  readonly prefix?: string;
  /** Milliseconds since the epoch, by which keys are minted. Default: the system's. */
  readonly nowMs?: () => number;
  /** A clock that all who ask share, and that never gives a time twice. Default: a count in this process. */
  readonly tick?: () => number;
}

/**
 * Lets clients use a counter at the same time: they reserve, peek, commit, release, or leave it open, over a
 * few ids that they fight for. What is `store_unavailable` counts as not known.
 */
export async function recordHistory(recording: Recording): Promise<CounterHistory> {
  const { random, counters, clients = 6, steps = 6, prefix = "", nowMs = Date.now } = recording;
  let ticks = 0;
  const { tick = () => (ticks += 1) } = recording;
  const history: Operation<CounterInput, CounterOutput>[] = [];
  const mintedAtMs = nowMs();
  let reservations = 0;

  const note = async (
    input: CounterInput,
    act: () => Promise<CounterOutput>,
  ): Promise<CounterOutput | undefined> => {
    const called = tick();
    const output = await act().catch(unavailable);
    const returned = output === undefined ? Infinity : tick();
    history.push({ input, output, called, returned });
    return output;
  };

  const client = async (): Promise<void> => {
    for (let step = 0; step < steps; step += 1) {
      const counter = random.pick(counters);
      const charges = pickCharges(random, prefix, mintedAtMs);
      const by = (reservations += 1);
      if (random.chance(0.15)) {
        await note({ ask: "peek", charges, by }, async () => told(await counter.peek(charges)));
        continue;
      }
      let reservation: Reservation | undefined;
      await note({ ask: "reserve", charges, by }, async () => {
        const outcome = await counter.reserve(charges);
        if (!isReserved(outcome)) return told(outcome);
        reservation = outcome;
        return "done";
      });
      const open = reservation;
      if (open === undefined || random.chance(0.15)) continue;
      if (random.chance(0.5)) await turn();
      const how = random.chance(0.5) ? "commit" : "release";
      await note({ ask: how, charges, by }, async () => {
        await open[how]();
        return "done";
      });
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return history;
}

/** Anything else that is thrown is a mistake, and no outcome. */
function unavailable(error: unknown): undefined {
  if (error instanceof AgentKeyError && error.code === "store_unavailable") return undefined;
  throw error;
}

function told(outcome: Awaited<ReturnType<UseCounter["peek"]>>): CounterOutput {
  return typeof outcome === "object" ? "too_many" : outcome;
}

/** One to four charges of different names, in any order. */
function pickCharges(random: Seeded, prefix: string, mintedAtMs: number): readonly Charge[] {
  const expiresAtMs = mintedAtMs + 900_000;
  const uses = (name: string, limit: number): Charge => ({
    kind: "uses",
    id: `${prefix}${name}`,
    limit,
    mintedAtMs,
    expiresAtMs,
  });
  const all: Charge[] = [
    uses("one", 1),
    uses("two", 2),
    uses("parent", 4),
    { kind: "window", id: `${prefix}rate`, limit: 2, windowMs: 86_400_000 },
    { kind: "intent", id: `${prefix}call`, expiresAtMs },
    { kind: "intent", id: `${prefix}other`, expiresAtMs },
  ];
  const picked: Charge[] = [];
  const count = 1 + random.below(4);
  while (picked.length < count) {
    picked.push(...all.splice(random.below(all.length), 1));
  }
  return picked;
}
