import { type KeyView, memoryStore, type Revocation } from "@agent-keys/core";
import type { Clock } from "@agent-keys/core/enforce";
import { revocationId } from "../names.ts";
import type { JournalLine, Owed, Remembered } from "./journal.ts";

/** What a process knows of what stands: what Redis said, and over it what Redis is still to be told. */
export interface KnownRevocations {
  /** As a view, for as long as nothing changes: ask for it anew each time. */
  readonly index: KeyView;
  /** Has its effect at once, and is owed to Redis from then on. */
  begin(
    act: Owed["act"],
    revocation: Revocation,
  ): { readonly owed: Owed; readonly replaced: Owed | undefined };
  /** What Redis was not told yet, oldest first. */
  untold(): readonly Owed[];
  /** Redis has it, as the `number`th act of an epoch. */
  told(owed: Owed, place: Place): readonly JournalLine[];
  /** What somebody did. */
  heard(act: Owed["act"], revocation: Revocation, place: Place): readonly JournalLine[];
  /**
   * All that stands in Redis. Of another epoch than what was known before, it may have forgotten some:
   * that is owed to it again. Of the same, what it lacks was restored.
   */
  loaded(all: readonly Revocation[], place: Place): readonly JournalLine[];
}

/** How far the acts of an epoch are known. */
interface Place {
  readonly epoch: string;
  readonly number: number;
}

/** No key of a revoked id lives longer; a little more, for clocks that differ. */
const LONGEST_LIFE_MS = 20 * 60 * 1000;

export function knownRevocations(remembered: Remembered, now: Clock): KnownRevocations {
  let { epoch } = remembered;
  let stands = new Map(remembered.stands);
  let index = indexOf(stands.values(), now);
  // Until what is heard from Redis includes it: an older answer may come after it was told.
  const owed = new Map<string, Owed & { told?: Place }>(remembered.owed);

  const set = (act: Owed["act"], name: string, revocation: Revocation): boolean => {
    const stood = stands.has(name);
    if (act === "restore") {
      stands.delete(name);
      void index.restore(revocation.selector, revocation.iss);
      return stood;
    }
    stands.set(name, revocation);
    void index.revoke(revocation);
    return !stood;
  };
  const isOver = ({ told }: { told?: Place }, { epoch: of, number }: Place): boolean =>
    told !== undefined && (told.epoch !== of || told.number <= number);

  return {
    get index() {
      return index;
    },
    begin(act, revocation) {
      const name = nameOf(revocation);
      const one: Owed = { act, revocation };
      set(act, name, revocation);
      // Last, also when it was owed before.
      const replaced = owed.get(name);
      owed.delete(name);
      owed.set(name, one);
      return { owed: one, replaced };
    },
    untold: () => [...owed.values()].filter(({ told }) => told === undefined),
    told(one, place) {
      const name = nameOf(one.revocation);
      // Another may have taken its place.
      if (owed.get(name) !== one) return [];
      owed.set(name, { ...one, told: place });
      return [{ act: one.act === "revoke" ? "stands" : "lifted", revocation: one.revocation }];
    },
    heard(act, revocation, place) {
      const name = nameOf(revocation);
      const mine = owed.get(name);
      if (mine !== undefined && isOver(mine, place)) owed.delete(name);
      // What was done here since is done last.
      else if (mine !== undefined) return [];
      const changed = set(act, name, revocation);
      return changed ? [{ act: act === "revoke" ? "stands" : "lifted", revocation }] : [];
    },
    loaded(all, place) {
      const lines: JournalLine[] = [];
      const before = stands;
      const forgot = place.epoch !== epoch;
      stands = new Map(all.map((revocation) => [nameOf(revocation), revocation]));
      for (const [name, one] of owed) if (isOver(one, place)) owed.delete(name);
      for (const [name, revocation] of before) {
        if (stands.has(name) || owed.has(name)) continue;
        if (forgot && !isPast(revocation, now())) owed.set(name, { act: "revoke", revocation });
        else lines.push({ act: "lifted", revocation });
      }
      for (const [name, revocation] of stands) {
        if (!before.has(name)) lines.push({ act: "stands", revocation });
      }
      for (const [name, { act, revocation }] of owed) {
        if (act === "revoke") stands.set(name, revocation);
        else stands.delete(name);
      }
      index = indexOf(stands.values(), now);
      if (forgot) lines.push({ act: "epoch", epoch: place.epoch });
      epoch = place.epoch;
      return lines;
    },
  };
}

function nameOf({ selector, iss }: Revocation): string {
  return revocationId(selector, iss);
}

function isPast({ selector, atMs }: Revocation, nowMs: number): boolean {
  return "id" in selector && atMs + LONGEST_LIFE_MS < nowMs;
}

function indexOf(all: Iterable<Revocation>, now: Clock): KeyView {
  const { keys } = memoryStore({ now });
  for (const revocation of all) void keys.revoke(revocation);
  return keys;
}
