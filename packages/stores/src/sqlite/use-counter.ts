import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Charge, Reservation, ReserveRefusal, UseCounter } from "@agent-keys/core";
import { type Clock, reached, storeError } from "@agent-keys/core/enforce";
import type { Transactions } from "./transactions.ts";

/** What the counter needs of the store around it. */
export interface CounterParts {
  readonly database: DatabaseSync;
  readonly transactions: Transactions;
  readonly epochMs: number;
  readonly now: Clock;
  /** @throws Error when this file is no longer the store's. */
  readonly requireSameFile: () => void;
  /** Lets go of what has expired, a little at a time. */
  readonly prune: () => void;
}

/** How long after its expiry a count is kept, so that no clock that is behind, or set back, outlives it. */
const KEEP_AFTER_EXPIRY_MS = 20 * 60 * 1000;

/** By how much the clock of another process is believed to be ahead. Any more, and it is wrong. */
const LEAD_MS = 10 * 60 * 1000;

/** Each decision is one transaction over all processes. */
export function sqliteUseCounter(parts: CounterParts): UseCounter {
  const { database, transactions, now, requireSameFile, prune } = parts;
  const ask = statements(database);

  /** Of all processes on the file, the clock that is ahead: to another, what it let in came earlier. */
  const storeNow = (charges: readonly Charge[]): number => {
    const nowMs = now();
    if (!charges.some(({ kind }) => kind === "window")) return nowMs;
    const latestMs = Number(ask.clock.get()?.["value"]);
    return Math.max(nowMs, Math.min(latestMs, nowMs + LEAD_MS));
  };
  const refusalOf = (charges: readonly Charge[]): ReserveRefusal | undefined => {
    requireSameFile();
    return refusal(charges, parts.epochMs, storeNow(charges), ask);
  };
  const settle = async (work: () => void): Promise<void> => {
    try {
      await transactions.soon(work);
    } catch (cause) {
      throw storeError(cause);
    }
  };

  return {
    async reserve(charges) {
      try {
        const already = refusalOf(charges);
        if (already !== undefined) return already;
        if (!(await reached(charges, now))) return "unknown";
        const reservation = randomUUID();
        const refused = await transactions.soon(() => {
          const why = refusalOf(charges);
          if (why === undefined) take(charges, reservation, storeNow(charges), ask);
          prune();
          return why;
        });
        return refused ?? open(charges, reservation, ask, settle);
      } catch (cause) {
        throw storeError(cause);
      }
    },
    async peek(charges) {
      try {
        return refusalOf(charges) ?? "available";
      } catch (cause) {
        throw storeError(cause);
      }
    },
  };
}

type Statements = ReturnType<typeof statements>;

function statements(database: DatabaseSync) {
  return {
    used: database.prepare("SELECT used FROM uses WHERE id = ?"),
    use: database.prepare(`INSERT INTO uses (id, used, dropped) VALUES (?, 1, ?)
      ON CONFLICT (id) DO UPDATE SET used = used + 1, dropped = max(dropped, excluded.dropped)`),
    unuse: database.prepare("UPDATE uses SET used = used - 1 WHERE id = ? AND used > 0"),
    // The one whose end makes room: with `limit` in the window, the oldest.
    inTheWay: database.prepare(
      "SELECT at FROM window_uses WHERE id = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
    ),
    enter: database.prepare(
      "INSERT INTO window_uses (id, at, reservation, dropped) VALUES (?, ?, ?, ?)",
    ),
    leave: database.prepare("DELETE FROM window_uses WHERE id = ? AND reservation = ?"),
    clock: database.prepare("SELECT value FROM counts WHERE name = 'clockMs'"),
    setClock: database.prepare("UPDATE counts SET value = max(value, ?) WHERE name = 'clockMs'"),
    outstanding: database.prepare("SELECT 1 AS one FROM intents WHERE id = ? AND dropped > ?"),
    intend: database.prepare(
      "INSERT OR REPLACE INTO intents (id, reservation, dropped) VALUES (?, ?, ?)",
    ),
    clear: database.prepare("DELETE FROM intents WHERE id = ? AND reservation = ?"),
  };
}

/** In the order that {@link ReserveRefusal} names. */
function refusal(
  charges: readonly Charge[],
  epochMs: number,
  nowMs: number,
  ask: Statements,
): ReserveRefusal | undefined {
  for (const charge of charges) {
    if (charge.kind === "intent" && ask.outstanding.get(charge.id, nowMs)) return "unknown";
  }
  for (const charge of charges) {
    if (charge.kind === "uses" && charge.mintedAtMs < epochMs) return "unknown";
  }
  for (const charge of charges) {
    if (charge.kind !== "uses") continue;
    if (Number(ask.used.get(charge.id)?.["used"] ?? 0) >= charge.limit) return "used_up";
  }
  const waits = charges.map((charge) => waitMs(charge, nowMs, ask));
  const retryAfterMs = Math.max(0, ...waits);
  return retryAfterMs > 0 ? { refusal: "too_many", retryAfterMs } : undefined;
}

/** How long until a window has room. What lies ahead of a clock that was set back counts too. */
function waitMs(charge: Charge, nowMs: number, ask: Statements): number {
  if (charge.kind !== "window") return 0;
  const { id, limit, windowMs } = charge;
  const row = ask.inTheWay.get(id, nowMs - windowMs, limit - 1);
  return row === undefined ? 0 : Number(row["at"]) + windowMs - nowMs;
}

function take(
  charges: readonly Charge[],
  reservation: string,
  nowMs: number,
  ask: Statements,
): void {
  for (const charge of charges) {
    const { id } = charge;
    if (charge.kind === "uses") ask.use.run(id, charge.expiresAtMs + KEEP_AFTER_EXPIRY_MS);
    else if (charge.kind === "intent") ask.intend.run(id, reservation, charge.expiresAtMs);
    else {
      ask.enter.run(id, nowMs, reservation, nowMs + charge.windowMs + KEEP_AFTER_EXPIRY_MS);
      ask.setClock.run(Math.ceil(nowMs));
    }
  }
}

function open(
  charges: readonly Charge[],
  reservation: string,
  ask: Statements,
  settle: (work: () => void) => Promise<void>,
): Reservation {
  let settled = false;
  const once = async (work: (charge: Charge) => void): Promise<void> => {
    if (settled) return;
    settled = true;
    await settle(() => charges.forEach(work));
  };
  const clear = (charge: Charge): void => {
    if (charge.kind === "intent") ask.clear.run(charge.id, reservation);
  };
  return {
    async commit() {
      // Nothing to be written but for an intent.
      if (charges.some(({ kind }) => kind === "intent")) await once(clear);
      settled = true;
    },
    release: () =>
      once((charge) => {
        if (charge.kind === "uses") ask.unuse.run(charge.id);
        else if (charge.kind === "window") ask.leave.run(charge.id, reservation);
        else clear(charge);
      }),
  };
}
