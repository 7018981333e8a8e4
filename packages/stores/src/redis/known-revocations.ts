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
  /** What Redis was not told yet, or so much of it: of one name, oldest first. */
  untold(most?: number): readonly Owed[];
  /** Redis has it, as the `number`th act of an epoch. */
  told(owed: Owed, place: Place): readonly JournalLine[];
  /** Redis was not told, and never will be: as if it had not been begun. */
  forget(owed: Owed): void;
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

/** An act of this process, until what is heard from Redis includes it: an older answer may come first. */
interface Mine {
  readonly owed: Owed;
  readonly told?: Place;
}

/** No key of a revoked id lives longer; a little more, for clocks that differ. */
const LONGEST_LIFE_MS = 20 * 60 * 1000;

export function knownRevocations(remembered: Remembered, now: Clock): KnownRevocations {
  let { epoch } = remembered;
  /** What stands in Redis, as far as is known. */
  let there = new Map(remembered.stands);
  /** By name, in the order in which they were done; the last of them has its effect here. */
  const mine = new Map<string, readonly Mine[]>();
  for (const [name, owed] of remembered.owed) mine.set(name, [{ owed }]);
  let index = indexOf(there.values(), now);

  const actsOn = (name: string): readonly Mine[] => mine.get(name) ?? [];
  const setActs = (name: string, acts: readonly Mine[]): void => {
    if (acts.length === 0) mine.delete(name);
    else mine.set(name, acts);
  };
  const standing = (name: string): Revocation | undefined => {
    const last = actsOn(name).at(-1)?.owed;
    if (last === undefined) return there.get(name);
    return last.act === "revoke" ? last.revocation : undefined;
  };
  const show = (name: string, { selector, iss }: Revocation): void => {
    const revocation = standing(name);
    if (revocation === undefined) void index.restore(selector, iss);
    else void index.revoke(revocation);
  };
  /** What the journal says of it from now on: a line on what Redis has ends what is owed. */
  const linesOn = (name: string, act: "stands" | "lifted", revocation: Revocation) => {
    const lines: JournalLine[] = [{ act, revocation }];
    for (const { owed, told } of actsOn(name)) {
      if (owed.act === "revoke" && told === undefined) lines.push({ ...owed, act: owed.act });
    }
    return lines;
  };
  const notOver = (acts: readonly Mine[], { epoch: of, number }: Place): readonly Mine[] =>
    acts.filter(({ told }) => told === undefined || (told.epoch === of && told.number > number));
  const set = (act: Owed["act"], name: string, revocation: Revocation): boolean => {
    const stood = there.has(name);
    if (act === "revoke") there.set(name, revocation);
    else there.delete(name);
    return stood !== (act === "revoke");
  };

  return {
    get index() {
      return index;
    },
    begin(act, revocation) {
      const name = nameOf(revocation);
      const owed: Owed = { act, revocation };
      const acts = actsOn(name);
      const last = acts.at(-1);
      // Only for one of its kind: what was revoked before it is not lost with a restoration that fails.
      const same = last?.told === undefined && last?.owed.act === act ? last : undefined;
      setActs(name, [...acts.filter((one) => one !== same), { owed }]);
      show(name, revocation);
      return { owed, replaced: same?.owed };
    },
    untold(most = Infinity) {
      const some: Owed[] = [];
      for (const acts of mine.values()) {
        for (const { owed, told } of acts) {
          if (told === undefined) some.push(owed);
          if (some.length === most) return some;
        }
      }
      return some;
    },
    told(owed, place) {
      const name = nameOf(owed.revocation);
      const acts = actsOn(name);
      // Another may have taken its place, or it was given up.
      if (!acts.some((one) => one.owed === owed)) return [];
      setActs(
        name,
        acts.map((one) => (one.owed === owed ? { owed, told: place } : one)),
      );
      set(owed.act, name, owed.revocation);
      return linesOn(name, owed.act === "revoke" ? "stands" : "lifted", owed.revocation);
    },
    forget(owed) {
      const name = nameOf(owed.revocation);
      const acts = actsOn(name).filter((one) => one.owed !== owed || one.told !== undefined);
      setActs(name, acts);
      show(name, owed.revocation);
    },
    heard(act, revocation, place) {
      const name = nameOf(revocation);
      setActs(name, notOver(actsOn(name), place));
      const changed = set(act, name, revocation);
      show(name, revocation);
      return changed ? linesOn(name, act === "revoke" ? "stands" : "lifted", revocation) : [];
    },
    loaded(all, place) {
      const lines: JournalLine[] = [];
      const before = there;
      const forgot = place.epoch !== epoch;
      there = new Map(all.map((revocation) => [nameOf(revocation), revocation]));
      for (const [name, acts] of mine) setActs(name, notOver(acts, place));
      for (const [name, revocation] of before) {
        const acts = actsOn(name);
        if (there.has(name) || acts.some(({ owed }) => owed.act === "revoke")) continue;
        // Before what was done since.
        if (forgot && !isPast(revocation, now())) {
          mine.set(name, [{ owed: { act: "revoke", revocation } }, ...acts]);
        } else lines.push({ act: "lifted", revocation });
      }
      for (const [name, revocation] of there) {
        if (!before.has(name)) lines.push(...linesOn(name, "stands", revocation));
      }
      const names = new Set([...there.keys(), ...mine.keys()]);
      const standings = [...names].map(standing);
      index = indexOf(
        standings.filter((revocation) => revocation !== undefined),
        now,
      );
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
