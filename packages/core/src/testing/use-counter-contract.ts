import { deepEqual, equal, ok } from "node:assert/strict";
import {
  type IntentCharge,
  isReserved,
  type Reservation,
  type ReserveRefusal,
  type Store,
  type UseCounter,
  type UsesCharge,
  type WindowCharge,
} from "../store/store.ts";

/** What the contract needs of a test runner and of the store under test. */
export interface StoreContract {
  /** Registers a test: `test` of Vitest, Jest or `node:test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /** Opens an empty store whose clock is `now`. */
  readonly open: (now: () => number) => Store | Promise<Store>;
}

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

function uses(id: string, limit: number): UsesCharge {
  return { kind: "uses", id, limit, mintedAtMs: START_MS, expiresAtMs: START_MS + 12_000 };
}

function window(id: string, limit: number, windowMs: number = MINUTE_MS): WindowCharge {
  return { kind: "window", id, limit, windowMs };
}

function intent(id: string, expiresAtMs: number = START_MS + 900_000): IntentCharge {
  return { kind: "intent", id, expiresAtMs };
}

/** The tests that every store's counter passes. */
export function useCounterContract(contract: StoreContract): void {
  usesContract(contract);
  windowContract(contract);
  intentContract(contract);
  togetherContract(contract);
}

function usesContract({ test, open }: StoreContract): void {
  const opened = async (): Promise<UseCounter> => (await open(() => START_MS)).uses;

  test("a limit of n allows n uses", async () => {
    const counter = await opened();
    const one = [uses("a", 2)];
    await commit(counter.reserve(one));
    equal(await counter.peek(one), "available");
    await commit(counter.reserve(one));
    equal(await counter.peek(one), "used_up");
    equal(await counter.reserve(one), "used_up");
  });

  test("one of 1,000 parallel requests gets the one use", async () => {
    const counter = await opened();
    const told = await toldTo(1_000, () => counter.reserve([uses("a", 1)]));
    deepEqual(told, { reserved: 1, used_up: 999 });
  });

  test("a use that is never settled stays spent", async () => {
    const counter = await opened();
    await reserved(counter.reserve([uses("a", 1)]));
    equal(await counter.reserve([uses("a", 1)]), "used_up");
  });

  test("releasing gives a use back, once", async () => {
    const counter = await opened();
    const use = await reserved(counter.reserve([uses("a", 1)]));
    await use.release();
    await use.release();
    await commit(counter.reserve([uses("a", 1)]));
    equal(await counter.reserve([uses("a", 1)]), "used_up");
  });

  test("what is settled first counts", async () => {
    const counter = await opened();
    const used = await reserved(counter.reserve([uses("a", 1)]));
    await used.commit();
    await used.release();
    equal(await counter.reserve([uses("a", 1)]), "used_up");
    const unused = await reserved(counter.reserve([uses("b", 1)]));
    await unused.release();
    await unused.commit();
    equal(await counter.peek([uses("b", 1)]), "available");
  });

  test("a count is kept as long as any of its charges said", async () => {
    let nowMs = START_MS;
    const counter = (await open(() => nowMs)).uses;
    const long = { ...uses("parent", 2), expiresAtMs: START_MS + 900_000 };
    await commit(counter.reserve([long]));
    await commit(counter.reserve([{ ...long, expiresAtMs: START_MS + 1_000 }]));
    nowMs += 890_000;
    await commit(counter.reserve([{ ...uses("b", 1), expiresAtMs: nowMs + 1_000 }]));
    equal(await counter.peek([long]), "used_up");
    equal(await counter.reserve([long]), "used_up");
  });

  test("a key from before what the store remembers is refused", async () => {
    const counter = await opened();
    const old = [{ ...uses("a", 1), mintedAtMs: START_MS - 1 }];
    equal(await counter.reserve(old), "unknown");
    equal(await counter.peek(old), "unknown");
  });
}

function windowContract({ test, open }: StoreContract): void {
  test("a window has room again exactly as each of its uses passes, and never earlier", async () => {
    let nowMs = START_MS;
    const { uses: counter } = await open(() => nowMs);
    const two = [window("w", 2)];
    await commit(counter.reserve(two));
    nowMs += 20_000;
    await commit(counter.reserve(two));
    equal(retryAfterMs(await counter.reserve(two)), 40_000);
    nowMs += 39_999;
    equal(retryAfterMs(await counter.peek(two)), 1);
    equal(retryAfterMs(await counter.reserve(two)), 1);
    nowMs += 1;
    equal(await counter.peek(two), "available");
    await commit(counter.reserve(two));
    // The second is still in it: no edge empties it.
    equal(retryAfterMs(await counter.reserve(two)), 20_000);
  });

  test("a window counts what is never settled, and what is released not at all", async () => {
    const { uses: counter } = await open(() => START_MS);
    const two = [window("w", 2)];
    await reserved(counter.reserve(two));
    const unused = await reserved(counter.reserve(two));
    equal(retryAfterMs(await counter.peek(two)), MINUTE_MS);
    await unused.release();
    await unused.release();
    equal(await counter.peek(two), "available");
    await reserved(counter.reserve(two));
    equal(retryAfterMs(await counter.reserve(two)), MINUTE_MS);
  });

  test("giving back takes a use's own place, also when others came after it or it has passed", async () => {
    let nowMs = START_MS;
    const { uses: counter } = await open(() => nowMs);
    const two = [window("w", 2)];
    const first = await reserved(counter.reserve(two));
    nowMs += 10_000;
    await commit(counter.reserve(two));
    await first.release();
    await commit(counter.reserve(two));
    equal(retryAfterMs(await counter.reserve(two)), MINUTE_MS);
    const late = await reserved(counter.reserve([window("v", 1)]));
    nowMs += MINUTE_MS;
    await commit(counter.reserve([window("v", 1)]));
    await late.release();
    equal(retryAfterMs(await counter.reserve([window("v", 1)])), MINUTE_MS);
  });

  test("ten of 1,000 parallel requests fit into a window for ten", async () => {
    const { uses: counter } = await open(() => START_MS);
    const told = await toldTo(1_000, () => counter.reserve([window("w", 10)]));
    deepEqual(told, { reserved: 10, too_many: 990 });
  });

  test("a clock that is set back makes no room", async () => {
    let nowMs = START_MS + 3_600_000;
    const { uses: counter } = await open(() => nowMs);
    await commit(counter.reserve([window("w", 1)]));
    nowMs = START_MS;
    ok(retryAfterMs(await counter.reserve([window("w", 1)])) > 0);
    nowMs = START_MS + MINUTE_MS + 1;
    ok(retryAfterMs(await counter.reserve([window("w", 1)])) > 0);
  });

  test("a window of a day is kept for a day, whatever comes and goes meanwhile", async () => {
    let nowMs = START_MS;
    const { uses: counter } = await open(() => nowMs);
    const day = [window("day", 1, 86_400_000)];
    await commit(counter.reserve(day));
    for (let hour = 1; hour < 24; hour += 1) {
      nowMs = START_MS + hour * 3_600_000;
      await commit(counter.reserve([window("other", 1), intent(`${hour}`, nowMs + 1_000)]));
    }
    equal(retryAfterMs(await counter.reserve(day)), 3_600_000);
    nowMs = START_MS + 86_400_000;
    await commit(counter.reserve(day));
  });
}

function intentContract({ test, open }: StoreContract): void {
  test("an outstanding intent refuses, until it is known how it ended", async () => {
    const { uses: counter } = await open(() => START_MS);
    const one = [intent("a")];
    for (const how of ["commit", "release"] as const) {
      const begun = await reserved(counter.reserve(one));
      equal(await counter.peek(one), "unknown");
      equal(await counter.reserve(one), "unknown");
      equal(await counter.peek([intent("b")]), "available");
      await begun[how]();
      equal(await counter.peek(one), "available");
    }
  });

  test("one of 1,000 parallel requests begins what may be begun once", async () => {
    const { uses: counter } = await open(() => START_MS);
    const told = await toldTo(1_000, () => counter.reserve([intent("a")]));
    deepEqual(told, { reserved: 1, unknown: 999 });
  });

  test("an intent nobody settled stands until it expires, and at most five minutes longer", async () => {
    let nowMs = START_MS;
    const { uses: counter } = await open(() => nowMs);
    const one = (): readonly [IntentCharge] => [intent("a", nowMs + 900_000)];
    await reserved(counter.reserve(one()));
    nowMs += 450_000;
    await commit(counter.reserve([intent("b", nowMs + 1_000)]));
    nowMs += 449_999;
    equal(await counter.reserve(one()), "unknown");
    nowMs += 300_001;
    await reserved(counter.reserve(one()));
  });

  test("a settling that comes too late settles nothing for who began after it", async () => {
    let nowMs = START_MS;
    const { uses: counter } = await open(() => nowMs);
    const late = await reserved(counter.reserve([intent("a", START_MS + 1_000)]));
    nowMs += 302_000;
    await reserved(counter.reserve([intent("a", nowMs + 900_000)]));
    await late.commit();
    equal(await counter.peek([intent("a")]), "unknown");
    const later = await reserved(counter.reserve([intent("b", nowMs + 1_000)]));
    nowMs += 302_000;
    await reserved(counter.reserve([intent("b", nowMs + 900_000)]));
    await later.release();
    equal(await counter.peek([intent("b")]), "unknown");
  });
}

function togetherContract({ test, open }: StoreContract): void {
  const opened = async (): Promise<UseCounter> => (await open(() => START_MS)).uses;

  test("peeking spends nothing", async () => {
    const counter = await opened();
    const all = [uses("a", 1), window("w", 1), intent("i")];
    equal(await counter.peek(all), "available");
    equal(await counter.peek(all), "available");
    await reserved(counter.reserve(all));
  });

  test("all charges of a request are taken, or none", async () => {
    const counter = await opened();
    await commit(counter.reserve([uses("parent", 1), uses("child-1", 1)]));
    equal(
      await counter.reserve([uses("child-2", 1), window("w", 1), uses("parent", 1)]),
      "used_up",
    );
    equal(await counter.peek([uses("child-2", 1), window("w", 1)]), "available");
    await commit(counter.reserve([window("full", 1)]));
    const refused = await counter.reserve([intent("i"), uses("a", 1), window("full", 1)]);
    equal(retryAfterMs(refused), MINUTE_MS);
    equal(await counter.peek([intent("i"), uses("a", 1)]), "available");
    await reserved(counter.reserve([intent("out")]));
    equal(await counter.reserve([uses("a", 1), window("w", 1), intent("out")]), "unknown");
    equal(await counter.peek([uses("a", 1), window("w", 1)]), "available");
  });

  test("all charges of a request are given back together", async () => {
    const counter = await opened();
    const all = [uses("a", 1), window("w", 1), intent("i")];
    await (await reserved(counter.reserve(all))).release();
    equal(await counter.peek(all), "available");
    await (await reserved(counter.reserve(all))).commit();
    equal(await counter.peek([intent("i")]), "available");
    equal(await counter.peek([uses("a", 1)]), "used_up");
    equal(retryAfterMs(await counter.peek([window("w", 1)])), MINUTE_MS);
  });

  test("the longest wait of several windows is said", async () => {
    let nowMs = START_MS;
    const { uses: counter } = await open(() => nowMs);
    await commit(counter.reserve([window("long", 1, 3_600_000)]));
    nowMs += 1_000;
    await commit(counter.reserve([window("short", 1)]));
    const both = [window("long", 1, 3_600_000), window("short", 1)];
    equal(retryAfterMs(await counter.reserve(both)), 3_599_000);
    equal(retryAfterMs(await counter.reserve(both.toReversed())), 3_599_000);
  });

  test("an outstanding intent, a forgotten key, a spent use, a full window: in this order", async () => {
    const counter = await opened();
    const old = { ...uses("old", 1), mintedAtMs: START_MS - 1 };
    const all = [window("w", 1), uses("a", 1), intent("i")];
    await reserved(counter.reserve(all));
    equal(await counter.reserve(all), "unknown");
    equal(await counter.reserve([window("w", 1), uses("a", 1), old]), "unknown");
    equal(await counter.reserve([window("w", 1), uses("a", 1)]), "used_up");
    equal(retryAfterMs(await counter.reserve([window("w", 1), uses("b", 1)])), MINUTE_MS);
  });

  test("one charge from before what the store remembers refuses them all", async () => {
    const counter = await opened();
    const old = { ...uses("parent", 1), mintedAtMs: START_MS - 1 };
    equal(await counter.peek([uses("child", 1), old]), "unknown");
    equal(await counter.reserve([uses("child", 1), old]), "unknown");
    equal(await counter.peek([uses("child", 1)]), "available");
  });

  test("one id under two kinds is two things", async () => {
    const counter = await opened();
    await reserved(counter.reserve([uses("same", 1)]));
    equal(await counter.peek([window("same", 1), intent("same")]), "available");
    await reserved(counter.reserve([window("same", 1), intent("same")]));
    equal(await counter.reserve([uses("same", 1)]), "used_up");
    await reserved(counter.reserve([uses("same", 2)]));
    await commit(counter.reserve([window("two", 2)]));
    await (await reserved(counter.reserve([window("two", 2), intent("two")]))).release();
    await commit(counter.reserve([window("two", 2)]));
    equal(retryAfterMs(await counter.reserve([window("two", 2)])), MINUTE_MS);
  });

  test("a request that is charged to nothing is allowed", async () => {
    const counter = await opened();
    equal(await counter.peek([]), "available");
    await commit(counter.reserve([]));
  });
}

async function reserved(reserving: Promise<Reservation | ReserveRefusal>): Promise<Reservation> {
  const outcome = await reserving;
  if (isReserved(outcome)) return outcome;
  throw new Error(`expected a reservation, got ${JSON.stringify(outcome)}`);
}

async function commit(reserving: Promise<Reservation | ReserveRefusal>): Promise<void> {
  await (await reserved(reserving)).commit();
}

/** What so many that ask at once are told, and how many. */
async function toldTo(
  count: number,
  ask: () => Promise<Reservation | ReserveRefusal>,
): Promise<Record<string, number>> {
  const told: Record<string, number> = {};
  for (const outcome of await Promise.all(Array.from({ length: count }, ask))) {
    const what = isReserved(outcome) ? "reserved" : codeOf(outcome);
    told[what] = (told[what] ?? 0) + 1;
  }
  return told;
}

function codeOf(refusal: ReserveRefusal): string {
  return typeof refusal === "object" ? refusal.refusal : refusal;
}

function retryAfterMs(outcome: "available" | Reservation | ReserveRefusal): number {
  if (typeof outcome === "object" && "refusal" in outcome) return outcome.retryAfterMs;
  throw new Error(`expected too_many, got ${JSON.stringify(outcome)}`);
}
