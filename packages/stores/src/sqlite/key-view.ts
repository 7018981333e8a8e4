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

/** No file says so of itself: all of it is read. */
const NOTHING_KNOWN = { revocations: 0, restorations: -1 };

interface Owed {
  readonly revocation: Revocation;
  readonly write: () => void;
}

/** No key lives longer than this after it was minted; its state is kept for 20 minutes more. */
const LONGEST_LIFE_MS = (15 * 60 + 2) * 1000;
const KEEP_AFTER_EXPIRY_MS = 20 * 60 * 1000;
const RETRY_MS = 100;

export function sqliteKeyView(parts: ViewParts): SqliteKeyView {
  const { database, transactions, now, requireSameFile, prune } = parts;
  const ask = statements(database);
  let index = revocationIndex(now);
  let known = NOTHING_KNOWN;
  // What holds here, and is not in the file yet.
  const owed = new Map<string, Owed>();
  const unwritten = revocationIndex(now);
  const closedHere = new Set<string>();
  let retry: NodeJS.Timeout | undefined;

  /** Resolves once it is in the file. Rejects when it is not there soon; it is tried again then. */
  const handOver = async (name: string): Promise<void> => {
    let written: Owed | undefined;
    try {
      await transactions.soon(() => {
        requireSameFile();
        // It may have been lifted since, or revoked once more.
        written = owed.get(name);
        written?.write();
      });
    } catch (cause) {
      retry ??= setTimeout(tryAgain, RETRY_MS).unref();
      throw storeError(cause);
    }
    if (written === undefined || owed.get(name) !== written) return;
    owed.delete(name);
    unwritten.remove(written.revocation.selector, written.revocation.iss);
  };
  const tryAgain = (): void => {
    retry = undefined;
    for (const name of owed.keys()) handOver(name).catch(() => undefined);
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
        prune();
      };
      closedHere.add(name);
      const forget = (): void => void closedHere.delete(name);
      // Not for a loss of power: `exp` is the guarantee.
      const later = (): Promise<void> =>
        transactions.soon(write, false).then(forget, () => {
          if (now() < expiresAtMs) setTimeout(() => void later(), RETRY_MS).unref();
          else forget();
        });
      try {
        if (!transactions.idle) throw new Error("others come first");
        transactions.now(write, false);
        forget();
      } catch {
        void later();
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
      };
      unwritten.add(revocation);
      owed.set(name, { revocation, write });
      return handOver(name);
    },
    async restore(selector, iss) {
      const name = revocationId(selector, iss);
      const mine = owed.get(name);
      try {
        // All that stands first, or it would be read again after it was lifted here.
        refresh();
        owed.delete(name);
        unwritten.remove(selector, iss);
        index.remove(selector, iss);
        const isThere = await transactions.soon(() => {
          requireSameFile();
          const gone = Number(ask.restore.run(name).changes) > 0;
          if (gone) ask.count.run("restorations");
          return gone;
        });
        return isThere || mine !== undefined ? 1 : 0;
      } catch (cause) {
        // It stands again, and this is forgotten: later it might lift what somebody has revoked since.
        known = NOTHING_KNOWN;
        if (mine !== undefined && !owed.has(name)) {
          owed.set(name, mine);
          unwritten.add(mine.revocation);
          retry ??= setTimeout(tryAgain, RETRY_MS).unref();
        }
        throw storeError(cause);
      }
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
      clearTimeout(retry);
      if (owed.size === 0) return;
      transactions.now(() => {
        for (const { write } of owed.values()) write();
      });
    },
  };
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
