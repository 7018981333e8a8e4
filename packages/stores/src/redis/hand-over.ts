import { AgentKeyError, type Revocation } from "@agent-keys/core";
import { revocationId } from "../names.ts";
import type { Horizon } from "./horizon.ts";
import type { Journal, JournalLine, Owed } from "./journal.ts";
import type { KnownRevocations } from "./known-revocations.ts";
import { type Line, scriptOf } from "./line.ts";
import { ACT } from "./lua.ts";

const ACTING = scriptOf(ACT);

/** Takes what was revoked and restored here to Redis, again and again until it has it. */
export interface HandOver {
  /**
   * Resolves once Redis has it, with whether anything stood there.
   *
   * @throws AgentKeyError (as a rejection) `store_unavailable` after two seconds. It is still handed over.
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

const PATIENCE_MS = 1_800;
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
  const waiting = new Map<Owed, (stood: boolean) => void>();
  let busy: Promise<void> | undefined;
  let again: NodeJS.Timeout | undefined;
  let over = false;

  const handOver = async (): Promise<void> => {
    for (;;) {
      const some = known.untold().slice(0, AT_ONCE);
      if (some.length === 0 || over) return;
      const args = [...horizon.head(), ...some.flatMap(argumentsOf)];
      // One after the other: what was done last has to arrive last.
      const { epoch, rest } = horizon.note(await line.run(ACTING, keys, args));
      const [number, stood] = rest;
      if (typeof number !== "number" || !Array.isArray(stood)) throw new Error("not an answer");
      for (const [index, owed] of some.entries()) {
        note(known.told(owed, { epoch, number }));
        waiting.get(owed)?.(stood[index] === 1);
        waiting.delete(owed);
      }
    }
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
      if (known.untold().length > 0 && !over) again ??= setTimeout(() => void tryNow()).unref();
    } catch {
      // Whoever waits is told by its own clock.
      if (!over) again ??= setTimeout(() => void tryNow(), PAUSE_MS).unref();
    }
  };

  return {
    async delivered(act, revocation) {
      const { owed, replaced } = known.begin(act, revocation);
      const unwritten = failureOf(() => journal?.append([owed]));
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      // What it took the place of is over with it.
      const other = replaced && waiting.get(replaced);
      waiting.set(owed, (stood) => {
        other?.(stood);
        resolve(stood);
      });
      const timer = setTimeout(() => reject(new Error("Redis has not got it yet")), PATIENCE_MS);
      try {
        void tryNow();
        const stood = await promise;
        if (unwritten !== undefined) throw unwritten;
        return stood;
      } catch (cause) {
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

function argumentsOf({ act, revocation }: Owed): readonly string[] {
  const { selector, iss } = revocation;
  const keep = "id" in selector ? `${KEEP_ID_MS}` : "";
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
