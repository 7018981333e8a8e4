import { setTimeout as elapsed } from "node:timers/promises";
import type { KeyView, Revocation } from "@agent-keys/core";
import { readClosings } from "./closings.ts";
import type { Horizon } from "./horizon.ts";
import { isRevocation, type JournalLine } from "./journal.ts";
import type { KnownRevocations } from "./known-revocations.ts";
import { type Line, scriptOf } from "./line.ts";
import { LOAD, SYNC } from "./lua.ts";

const SYNCING = scriptOf(SYNC);
const LOADING = scriptOf(LOAD);

/** Follows what is revoked, restored and closed elsewhere. */
export interface Following {
  /** Since when nothing that happened is known for sure: a moment of `performance.now()`. */
  readonly knownUntilMs: number;
  /** Why not later. */
  readonly failure: unknown;
  /** Resolves once everything is known. */
  readonly ready: Promise<void>;
  close(): void;
}

/** What it needs of the store around it. */
export interface FollowParts {
  readonly line: Line;
  readonly horizon: Horizon;
  readonly prefix: string;
  readonly known: KnownRevocations;
  readonly closed: KeyView;
  readonly note: (lines: readonly JournalLine[]) => void;
  /** Whenever it is up to date. */
  readonly onSynced: () => void;
}

/** How long a read waits for news: with the way there and back, the time from heartbeat to heartbeat. */
const BLOCK_MS = 400;
const BLOCK_DEADLINE_MS = 1_400;
const HEARTBEAT_MS = 200;
const PAUSE_MS = 100;
const AT_ONCE = 500;
const NOWHERE = { epoch: "", number: 0 };

export function follow(parts: FollowParts): Following {
  const { line, horizon, prefix, known, closed, note, onSynced } = parts;
  const [epochKey, revoked, acts, closedKeys] = ["epoch", "revoked", "acts", "closed"].map(
    (name) => prefix + name,
  ) as [string, string, string, string];
  let place = NOWHERE;
  let actsCursor = "0-0";
  let closedCursor = "0-0";
  let knownUntilMs = -Infinity;
  let failure: unknown;
  const over = new AbortController();

  const load = async (): Promise<void> => {
    const answer = horizon.note(await line.run(LOADING, [epochKey, revoked, acts], horizon.head()));
    const [number, cursor, texts] = answer.rest;
    if (typeof number !== "number" || typeof cursor !== "string" || !Array.isArray(texts)) {
      throw new Error("revocations that cannot be read");
    }
    // Another server's stream may be behind where this one was.
    if (answer.epoch !== place.epoch) closedCursor = "0-0";
    actsCursor = cursor;
    const loaded = { epoch: answer.epoch, number };
    note(known.loaded(texts.map(readRevocation), loaded));
    place = loaded;
    try {
      while (await read()) continue;
    } catch (error) {
      // Not all is known, so it has to be loaded again.
      place = NOWHERE;
      throw error;
    }
  };

  /** Says whether there may be more. */
  const read = async (blockMs?: number): Promise<boolean> => {
    const block = blockMs === undefined ? [] : ["BLOCK", `${blockMs}`];
    const words = ["XREAD", "COUNT", `${AT_ONCE}`, ...block, "STREAMS", acts, closedKeys];
    const answer = await line.send([...words, actsCursor, closedCursor], BLOCK_DEADLINE_MS);
    let more = false;
    for (const [stream, entries] of streamsOf(answer)) {
      more ||= entries.length === AT_ONCE;
      for (const { id, fields } of entries) {
        if (stream === acts) {
          actsCursor = id;
          hear(fields);
        } else {
          closedCursor = id;
          for (const key of readClosings(fields.get("keys") ?? "")) closed.close(key);
        }
      }
    }
    return more;
  };

  const hear = (fields: ReadonlyMap<string, string>): void => {
    const number = Number(fields.get("number"));
    const act = fields.get("act");
    if (act !== "revoke" && act !== "restore") throw new Error("an act of no known kind");
    // One is missing, or was counted in another epoch: all have to be loaded again.
    if (number !== place.number + 1) place = NOWHERE;
    else {
      const next = { ...place, number };
      note(known.heard(act, readRevocation(fields.get("of")), next));
      place = next;
    }
  };

  const sync = async (): Promise<void> => {
    const sentAtMs = performance.now();
    const answer = horizon.note(await line.run(SYNCING, [epochKey], horizon.head()));
    const [number] = answer.rest;
    const isBehind = (): boolean => answer.epoch !== place.epoch || number !== place.number;
    // What came in the meantime is on the stream, unless that was cut or is another.
    if (isBehind() && answer.epoch === place.epoch) await read();
    if (answer.epoch !== place.epoch || place.number < Number(number)) await load();
    knownUntilMs = sentAtMs;
    failure = undefined;
    onSynced();
  };

  const { promise: ready, resolve: onReady } = Promise.withResolvers<void>();
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        await sync();
        onReady();
        const syncedAtMs = performance.now();
        do await read(BLOCK_MS);
        while (!over.signal.aborted && performance.now() - syncedAtMs < HEARTBEAT_MS);
      } catch (error) {
        failure = error;
        await elapsed(PAUSE_MS, undefined, { ref: false });
      }
    }
  };

  void run();
  return {
    get knownUntilMs() {
      return knownUntilMs;
    },
    get failure() {
      return failure;
    },
    ready,
    close() {
      over.abort();
    },
  };
}

function readRevocation(text: unknown): Revocation {
  const revocation: unknown = typeof text === "string" ? JSON.parse(text) : undefined;
  if (isRevocation(revocation)) return revocation;
  throw new Error("a revocation that cannot be read");
}

interface Entry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** `[[stream, [[id, [name, value, …]], …]], …]`, or null when nothing came. */
function streamsOf(answer: unknown): readonly (readonly [string, readonly Entry[]])[] {
  if (answer === null) return [];
  return listOf(answer).map((stream) => {
    const [name, entries] = listOf(stream);
    return [String(name), listOf(entries).map(entryOf)] as const;
  });
}

function entryOf(entry: unknown): Entry {
  const [id, words] = listOf(entry);
  const list = listOf(words).map(String);
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < list.length; at += 2) fields.set(list[at] ?? "", list[at + 1] ?? "");
  return { id: String(id), fields };
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new Error("an answer that is none of XREAD's");
}
