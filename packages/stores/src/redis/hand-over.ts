import { AgentKeyError, type Revocation } from "@agent-keys/core";
import { revocationId } from "../names.ts";
import type { Horizon } from "./horizon.ts";
import type { Journal, JournalLine, Owed } from "./journal.ts";
import type { KnownRevocations } from "./known-revocations.ts";
import { type Line, scriptOf } from "./line.ts";
import { ACT } from "./lua.ts";

const ACTING = scriptOf(ACT);

/** Takes to Redis what was revoked here, until it has it, and what was restored, while somebody waits. */
export interface HandOver {
  /**
   * Resolves once Redis has it, with whether anything stood there.
   *
   * @throws AgentKeyError (as a rejection) `store_unavailable` after two seconds. A revocation is still
   * handed over. A restoration is forgotten: carried out later, it would undo what was revoked since.
   */
  delivered(act: Owed["act"], revocation: Revocation): Promise<boolean>;
  /** Tries now what is still owed. Never rejects. */
  tryNow(): Promise<void>;
  close(): void;
}

/** What it needs of the store around it. */
export interface HandOverParts {
  readonly line: Line;
  readonly horizon: Horizon;
  readonly prefix: string;
  readonly known: KnownRevocations;
  readonly note: (lines: readonly JournalLine[]) => void;
  readonly journal: Journal | undefined;
}

/** Who waits for an act to be in Redis, and until when. */
interface Waiting {
  readonly done: (stood: boolean) => void;
  readonly fail: (why: Error) => void;
  readonly untilMs: number;
}

const PATIENCE_MS = 1_800;
/** What the script says of a restoration that it did not carry out. */
const TOO_LATE = -1;
const PAUSE_MS = 100;
const AT_ONCE = 100;
/** How long one by id is kept: no key of that id lives longer, and five minutes for clocks. */
const KEEP_ID_MS = (15 * 60 + 2 + 5 * 60) * 1000;

export function openHandOver({
  line,
  horizon,
  prefix,
  known,
  note,
  journal,
}: HandOverParts): HandOver {
  const keys = ["epoch", "revoked", "revoked-until", "acts"].map((name) => prefix + name);
  const waiting = new Map<Owed, Waiting>();
  let busy: Promise<void> | undefined;
  let again: NodeJS.Timeout | undefined;
  let over = false;

  const handOver = async (): Promise<void> => {
    for (;;) {
      const some = known.untold(AT_ONCE);
      if (some.length === 0 || over) return;
      const args = [...horizon.head(), ...some.flatMap((owed) => argumentsOf(owed, keepOf(owed)))];
      // One after the other: what was done last has to arrive last.
      const { epoch, rest } = horizon.note(await line.run(ACTING, keys, args));
      const [number, stood] = rest;
      if (typeof number !== "number" || !Array.isArray(stood)) throw new Error("not an answer");
      for (const [index, owed] of some.entries()) {
        if (stood[index] === TOO_LATE) {
          // At once: it must not be sent again behind what was revoked since.
          known.forget(owed);
          waiting.get(owed)?.fail(new Error("Redis got it too late"));
        } else {
          note(known.told(owed, { epoch, number }));
          waiting.get(owed)?.done(stood[index] === 1);
        }
        waiting.delete(owed);
      }
    }
  };
  const keepOf = (owed: Owed): string => {
    if (owed.act === "revoke") return "id" in owed.revocation.selector ? `${KEEP_ID_MS}` : "";
    const leftMs = (waiting.get(owed)?.untilMs ?? -Infinity) - performance.now();
    return `${horizon.timeIn(Math.max(leftMs, -1))}`;
  };
  const tryNow = async (): Promise<void> => {
    clearTimeout(again);
    again = undefined;
    busy ??= handOver().finally(() => {
      busy = undefined;
    });
    try {
      await busy;
      // Something may have come just as it ended.
      if (known.untold(1).length > 0 && !over) again ??= setTimeout(() => void tryNow()).unref();
    } catch {
      // Whoever waits is told by its own clock.
      if (!over) again ??= setTimeout(() => void tryNow(), PAUSE_MS).unref();
    }
  };

  return {
    async delivered(act, revocation) {
      const { owed, replaced } = known.begin(act, revocation);
      const isRestore = act === "restore";
      // A restoration is written down when it is done: no later process is to carry it out.
      const unwritten = isRestore
        ? undefined
        : failureOf(() => journal?.append([{ act: "revoke", revocation }]));
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      // What it took the place of is over with it.
      const other = replaced && waiting.get(replaced);
      const done = (stood: boolean): void => {
        other?.done(stood);
        resolve(stood);
      };
      waiting.set(owed, { done, fail: reject, untilMs: performance.now() + PATIENCE_MS });
      const timer = setTimeout(() => reject(new Error("Redis has not got it yet")), PATIENCE_MS);
      try {
        void tryNow();
        const stood = await promise;
        if (unwritten !== undefined) throw unwritten;
        return stood;
      } catch (cause) {
        if (isRestore) known.forget(owed);
        throw new AgentKeyError("store_unavailable", { cause });
      } finally {
        clearTimeout(timer);
        waiting.delete(owed);
      }
    },
    tryNow,
    close() {
      over = true;
      clearTimeout(again);
    },
  };
}

function argumentsOf({ act, revocation }: Owed, keep: string): readonly string[] {
  const { selector, iss } = revocation;
  return [act, revocationId(selector, iss), JSON.stringify(revocation), keep];
}

function failureOf(attempt: () => void): Error | undefined {
  try {
    attempt();
    return undefined;
  } catch (failure) {
    return failure instanceof Error ? failure : new Error("failed");
  }
}
