import { type AuditEvent, parseLine, splitLines } from "@agent-keys/core/audit";
import type { Files } from "./audit-file.ts";
import { ConsoleError } from "./console-error.ts";
import { type Filter, passesFilter } from "./filter.ts";
import { merged } from "./merged.ts";
import { readRecord } from "./read-chunks.ts";
import type { Indexes } from "./indexes.ts";
import type { Flaws, LineReader } from "./read-events.ts";
import { type Handle, handlesLike, type Story, storyCollector } from "./story.ts";

const NONE: Indexes = new Map();

/** What was found, and what of the file could not be read. */
export interface FoundStories {
  /** Empty when nothing has such an id. */
  readonly stories: readonly Story[];
  readonly flaws: Flaws;
}

/**
 * Finds the calls that an id, or its beginning or end, names. Reads a file twice: for the id, then for all
 * that belongs to it. Lines that do not hold an id are not parsed. Of several files each may know ids that
 * lead on in another, so they are read until there are no more.
 *
 * @throws ConsoleError when several ids begin or end with it.
 */
export function findStories(
  files: Files,
  id: string,
  { filter, reader, indexes = NONE }: { filter: Filter; reader: LineReader; indexes?: Indexes },
): FoundStories {
  const { named, skipped } = handlesIn(files, id, { filter, reader, indexes });
  const { damaged, unknown, readable } = reader;
  const flaws = { damaged, unknown, readable: readable + skipped };
  const handle = named.one();
  if (handle === undefined && indexes.size > 0) {
    // An index has less of an event than its line: what it does not find is looked for in all of them.
    reader.forget();
    return findStories(files, id, { filter, reader });
  }
  if (handle === undefined) return { stories: [], flaws };
  const about = (ids: ReadonlySet<string>) => eventsFor(handle, files, ids, indexes);
  return { stories: storiesOf(handle, about, filter), flaws };
}

/**
 * The stories of what a handle names that pass a filter.
 *
 * @param about - The events that may be part of them, given the ids they must hold, which become more.
 */
export function storiesOf(
  handle: Handle,
  about: (ids: ReadonlySet<string>) => Iterable<AuditEvent>,
  filter: Filter,
): readonly Story[] {
  const collector = storyCollector(handle);
  for (const event of about(collector.ids)) collector.add(event);
  return collector
    .stories()
    .filter(({ steps }) =>
      steps.some(({ depth, event }) => depth === 0 && passesFilter(event, filter)),
    );
}

/** Several beginnings are remembered, to be named; no more than this, whatever the file holds. */
const REMEMBERED = 100;

function handlesIn(
  files: Files,
  id: string,
  { filter, reader, indexes }: { filter: Filter; reader: LineReader; indexes: Indexes },
): { named: NamedHandles; skipped: number } {
  const named = handlesNamed(id);
  const sought = needle(id);
  let skipped = 0;
  const lines = function* (): Generator<Buffer, void, undefined> {
    for (const file of files) {
      const index = indexes.get(file);
      const some = index?.linesWith([id], [id]);
      if (some !== undefined) skipped += index?.events ?? 0;
      yield* some ?? linesOf(file);
    }
  };
  for (const bytes of lines()) {
    if (bytes.length === 0) continue;
    if (!bytes.includes(sought) && looksWhole(bytes)) {
      skipped += 1;
      continue;
    }
    const event = reader.read(bytes.toString("utf8"))?.event;
    if (event === undefined || !passesFilter(event, filter)) continue;
    named.add(event);
  }
  return { named, skipped };
}

/** The handles that a text names, as far as events were seen. */
export interface NamedHandles {
  add(event: AuditEvent): void;
  /** @throws ConsoleError when there are several. */
  one(): Handle | undefined;
}

/** Nothing seen yet. */
export function handlesNamed(id: string): NamedHandles {
  const handles = new Map<string, Handle>();
  return {
    add(event) {
      for (const handle of handlesLike(event, id)) {
        if (handle.id === id || handles.size < REMEMBERED) {
          handles.set(`${handle.kind} ${handle.id}`, handle);
        }
      }
    },
    one: () => theOne(id, [...handles.values()]),
  };
}

/** A whole id wins over ids that only begin or end with it. */
function theOne(id: string, handles: readonly Handle[]): Handle | undefined {
  const exact = handles.find((handle) => handle.id === id);
  if (exact !== undefined || handles.length <= 1) return exact ?? handles[0];
  const some = handles.slice(0, 5).map((handle) => handle.id);
  const more = handles.length > some.length ? ", …" : "";
  throw new ConsoleError(
    `several ids begin or end with "${id}"`,
    `give more of it: ${some.join(", ")}${more}`,
  );
}

function* linesOf(file: string): Generator<Buffer, void, undefined> {
  // A file's last line ends with it, finished or not.
  for (const { bytes } of splitLines(readRecord(file))) yield bytes;
}

/**
 * What may be part of a story, in the order in which it happened. Of one file that is its own order; of
 * several, what the clocks say, but a key's mint before whatever was done with it: a broker may run on
 * another machine.
 */
function* eventsFor(
  handle: Handle,
  files: Files,
  ids: ReadonlySet<string>,
  indexes: Indexes,
): Generator<AuditEvent, void, undefined> {
  const [first, ...more] = files;
  if (more.length === 0) return yield* eventsAbout(first, ids, indexes);
  const all = idsAbout(handle, files, indexes);
  const sources = files.map((file) => eventsAbout(file, all, indexes));
  const inOrder = Array.from(merged(sources, (one, other) => one.time < other.time)).filter(
    (event) => isRevocation(event) || isRelated(event, all),
  );
  yield* mintsFirst(inOrder);
}

/** Each key's mint before whatever was done with it, and else the order as it is. */
export function* mintsFirst(
  inOrder: readonly AuditEvent[],
): Generator<AuditEvent, void, undefined> {
  const mints = new Map(
    inOrder.flatMap((event) => (event.type === "key.minted" ? [[event.keyId, event]] : [])),
  );
  const told = new Set<AuditEvent>();
  function* tell(event: AuditEvent): Generator<AuditEvent, void, undefined> {
    if (told.has(event)) return;
    told.add(event);
    const { keyId, parentId } = event as { readonly keyId?: string; readonly parentId?: string };
    for (const id of [parentId, keyId]) {
      const mint = mints.get(id ?? "");
      if (mint !== undefined) yield* tell(mint);
    }
    yield event;
  }
  for (const event of inOrder) yield* tell(event);
}

/** The ids of all keys that belong to what a handle names. */
function idsAbout(handle: Handle, files: Files, indexes: Indexes): ReadonlySet<string> {
  const ids = new Set([handle.id]);
  for (;;) {
    const before = ids.size;
    for (const file of files) {
      for (const event of eventsAbout(file, ids, indexes)) {
        if (isRelated(event, ids) && "keyId" in event && event.keyId) ids.add(event.keyId);
      }
    }
    if (ids.size === before) return ids;
  }
}

function isRelated(event: AuditEvent, ids: ReadonlySet<string>): boolean {
  const { id, keyId, parentId, tool } = event as {
    readonly id: string;
    readonly keyId?: string;
    readonly parentId?: string;
    readonly tool?: { readonly callId?: string };
  };
  return [id, keyId, parentId, tool?.callId].some((one) => one !== undefined && ids.has(one));
}

function isRevocation({ type }: AuditEvent): boolean {
  return type === "key.revoked" || type === "key.restored";
}

/** With more ids than this, a line is faster parsed than searched for each. */
const SOUGHT_AT_ONCE = 16;
const REVOKED = Buffer.from('"key.revoked"');
const RESTORED = Buffer.from('"key.restored"');

/** The events that hold one of some ids, which may become more meanwhile; and every revocation, lifted or not. */
function* eventsAbout(
  file: string,
  ids: ReadonlySet<string>,
  indexes: Indexes,
): Generator<AuditEvent, void, undefined> {
  let needles: Buffer[] = [];
  const mayHold = (bytes: Buffer): boolean => {
    if (ids.size > SOUGHT_AT_ONCE) return true;
    if (needles.length !== ids.size) needles = Array.from(ids, needle);
    return [...needles, REVOKED, RESTORED].some((sought) => bytes.includes(sought));
  };
  for (const bytes of indexes.get(file)?.linesWith(ids) ?? linesOf(file)) {
    const event = mayHold(bytes) ? parseLine(bytes.toString("utf8")) : undefined;
    if (event !== undefined) yield event;
  }
}

/** An id as it stands inside a line's JSON. */
function needle(id: string): Buffer {
  return Buffer.from(JSON.stringify(id).slice(1, -1));
}

const OPENING = 0x7b;
const CLOSING = 0x7d;

function looksWhole(bytes: Buffer): boolean {
  return bytes[0] === OPENING && bytes.at(-1) === CLOSING;
}
