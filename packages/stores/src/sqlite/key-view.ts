import type { DatabaseSync } from "node:sqlite";
import type { KeyFacts, KeyState, KeyView, Revocation } from "@agent-keys/core";
import { type Clock, revocationIndex, storeError } from "@agent-keys/core/enforce";
import { keyId, revocationId } from "../names.ts";
import type { Transactions } from "./transactions.ts";

/** What the view needs of the store around it. */
export interface ViewParts {
  readonly database: DatabaseSync;
  readonly transactions: Transactions;
  readonly now: Clock;
  /** @throws Error when this file is no longer the store's. */
  readonly requireSameFile: () => void;
  readonly prune: () => void;
}

/** A view that asks the file each time, and so is never behind. */
export interface SqliteKeyView extends KeyView {
  /** Writes what had to wait. Stops trying. */
  end(): void;
}

/** No key lives longer than this after it was minted; its state is kept for 5 minutes more. */
const LONGEST_LIFE_MS = (15 * 60 + 2) * 1000;
const KEEP_AFTER_EXPIRY_MS = 5 * 60 * 1000;
const RETRY_MS = 100;

export function sqliteKeyView(parts: ViewParts): SqliteKeyView {
  const { database, transactions, now, requireSameFile, prune } = parts;
  const ask = statements(database);
  let index = revocationIndex(now);
  let known = { revocations: 0, restorations: -1 };
  // What another process kept from being written; it holds here at once.
  const waiting = new Map<string, () => void>();
  const closedHere = new Set<string>();
  const unwritten = revocationIndex(now);
  let retry: NodeJS.Timeout | undefined;

  const handOver = (): void => {
    for (const [name, write] of waiting) {
      transactions.now(write);
      waiting.delete(name);
    }
  };
  const tryAgain = (): void => {
    retry ??= setInterval(() => {
      try {
        handOver();
      } catch {
        // Again next time: until then it holds here, and whoever waits for it was told.
        return;
      }
      clearInterval(retry);
      retry = undefined;
    }, RETRY_MS).unref();
  };
  const refresh = (): void => {
    requireSameFile();
    const { revocations, restorations } = { ...ask.counts.get() };
    if (typeof revocations !== "number" || typeof restorations !== "number") {
      throw new Error("the file does not say how often it was changed");
    }
    if (restorations !== known.restorations) {
      // Something was taken out of it: read anew.
      index = revocationIndex(now);
      known = { revocations: 0, restorations };
    }
    if (revocations === known.revocations) return;
    for (const row of ask.revocations.all(known.revocations)) index.add(parse(row["revocation"]));
    known = { revocations, restorations };
  };
  const wasClosed = ({ iss, ids }: KeyFacts): boolean =>
    ids.some((id) => {
      const name = keyId(iss, id);
      return closedHere.has(name) || ask.closed.get(name) !== undefined;
    });

  return {
    close({ iss, id, expiresAtMs }) {
      const name = keyId(iss, id);
      const write = (): void => {
        ask.close.run(name, expiresAtMs + KEEP_AFTER_EXPIRY_MS);
        closedHere.delete(name);
        prune();
      };
      closedHere.add(name);
      try {
        // Not for a loss of power: `exp` is the guarantee.
        transactions.now(write, false);
      } catch {
        waiting.set(`closed ${name}`, write);
        tryAgain();
      }
    },
    revoke(revocation) {
      const { selector, iss } = revocation;
      const name = revocationId(selector, iss);
      const dropped =
        "id" in selector
          ? Math.max(revocation.atMs, now()) + LONGEST_LIFE_MS + KEEP_AFTER_EXPIRY_MS
          : null;
      const write = (): void => {
        ask.count.run("revocations");
        ask.revoke.run(name, JSON.stringify(revocation), dropped);
        unwritten.remove(selector, iss);
      };
      unwritten.add(revocation);
      return written(`revocation ${name}`, write);
    },
    restore(selector, iss) {
      const name = revocationId(selector, iss);
      const here = unwritten.remove(selector, iss);
      waiting.delete(`revocation ${name}`);
      let lifted = here ? 1 : 0;
      const write = (): void => {
        lifted = Math.max(lifted, Number(ask.restore.run(name).changes));
        ask.count.run("restorations");
      };
      const done = written(`revocation ${name}`, write);
      return done === undefined ? lifted : done.then(() => lifted);
    },
    revocations() {
      try {
        refresh();
        return [...index.all(), ...unwritten.all()];
      } catch (cause) {
        throw storeError(cause);
      }
    },
    stateOf(facts): KeyState {
      try {
        if (unwritten.stops(facts)) return "revoked";
        refresh();
        if (index.stops(facts)) return "revoked";
        return wasClosed(facts) ? "closed" : "live";
      } catch (cause) {
        throw storeError(cause);
      }
    },
    end() {
      clearInterval(retry);
      handOver();
    },
  };

  /** At once where nobody else is at it; else as soon as they are done. */
  function written(name: string, write: () => void): Promise<void> | undefined {
    try {
      requireSameFile();
      transactions.now(write);
      waiting.delete(name);
      return undefined;
    } catch {
      waiting.set(name, write);
      return later(name, write);
    }
  }

  async function later(name: string, write: () => void): Promise<void> {
    try {
      await transactions.soon(() => {
        // It may have been handed over, or taken back, since.
        if (waiting.get(name) === write) write();
      });
      if (waiting.get(name) === write) waiting.delete(name);
    } catch (cause) {
      tryAgain();
      throw storeError(cause);
    }
  }
}

function statements(database: DatabaseSync) {
  return {
    counts: database.prepare(
      `SELECT (SELECT value FROM counts WHERE name = 'revocations') AS revocations,
        (SELECT value FROM counts WHERE name = 'restorations') AS restorations`,
    ),
    count: database.prepare("UPDATE counts SET value = value + 1 WHERE name = ?"),
    revocations: database.prepare("SELECT revocation FROM revocations WHERE number > ?"),
    revoke: database.prepare(`INSERT INTO revocations (id, revocation, number, dropped)
      VALUES (?, ?, (SELECT value FROM counts WHERE name = 'revocations'), ?)
      ON CONFLICT (id) DO UPDATE SET revocation = excluded.revocation, number = excluded.number,
        dropped = max(dropped, excluded.dropped)`),
    restore: database.prepare("DELETE FROM revocations WHERE id = ?"),
    closed: database.prepare("SELECT 1 AS one FROM closed WHERE id = ?"),
    close: database.prepare(`INSERT INTO closed (id, dropped) VALUES (?, ?)
      ON CONFLICT (id) DO UPDATE SET dropped = max(dropped, excluded.dropped)`),
  };
}

function parse(text: unknown): Revocation {
  if (typeof text !== "string") throw new Error("a revocation cannot be read");
  return JSON.parse(text) as Revocation;
}
