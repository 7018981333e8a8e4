import { AUDIT_VERSION } from "./event.ts";
import {
  type ChainReport,
  findingList,
  type FindingList,
  type Place,
  type Report,
  type Reports,
} from "./chain-report.ts";
import { LINE_START } from "./line-starts.ts";
import { readSealedBytes, type SealedBytes } from "./sealed-line.ts";
import { lineSplitter, MAX_LINE_BYTES, type RawLine } from "./split-lines.ts";
import { type Link, writerRuns, type WriterRuns } from "./writer-runs.ts";

/** One file of a record. */
export interface Segment {
  /** What findings call it. */
  readonly name: string;
  /** Its bytes from the start to the end. */
  readonly chunks: Iterable<Uint8Array>;
}

/** Checks a record that comes piece by piece. */
export interface ChainVerifier {
  /** Begins the next segment. Findings call it by this name. */
  begin(name: string): SegmentVerifier;
  /** What was found, once every segment has ended. */
  report(): ChainReport;
}

/** Takes one segment from the start to the end. */
export interface SegmentVerifier {
  push(chunk: Uint8Array): void;
  end(): void;
}

/**
 * Checks the hash chain of every writer in a record, which may lie in several segments, given in any
 * order. Streams: memory grows with the number of writers, not of lines.
 *
 * It finds damage, and every edit, deletion, reordering and insertion by somebody who did not
 * compute the chain again. It cannot find lines that were cut off a chain's end, a writer that was
 * taken out whole, or a chain that was computed again from some line on: for those, keep `heads`
 * elsewhere.
 *
 * A torn line is a note where an `audit.repaired` of an intact line accounts for it, else damage.
 */
export function verifyChains(segments: Iterable<Segment>): ChainReport {
  const verifier = chainVerifier();
  for (const { name, chunks } of segments) {
    const segment = verifier.begin(name);
    for (const chunk of chunks) segment.push(chunk);
    segment.end();
  }
  return verifier.report();
}

/** What {@link verifyChains} does, for a record that does not come all at once. */
export function chainVerifier(): ChainVerifier {
  const damage = findingList();
  const notes = findingList();
  const names: string[] = [];
  const report = (to: FindingList): Report => {
    return (place, code, what, seal) =>
      to.add(place, {
        code,
        segment: names[place.segment] ?? "",
        line: place.line,
        byte: place.byte,
        ...(seal === undefined ? {} : { writer: seal.writer, seq: seal.seq }),
        what,
      });
  };
  const say: Reports = { damage: report(damage), note: report(notes) };
  const runs = writerRuns(say);
  let events = 0;
  let from: string | undefined;
  let to: string | undefined;
  const seen = (time: string | undefined): void => {
    events += 1;
    if (time === undefined) return;
    if (from === undefined || time < from) from = time;
    if (to === undefined || time > to) to = time;
  };
  return {
    begin: (name) => segmentVerifier(names.push(name) - 1, { runs, say, seen }),
    report() {
      runs.stitch();
      return {
        events,
        writers: runs.count,
        from,
        to,
        damage: damage.first(),
        damageCount: damage.count,
        notes: notes.first(),
        noteCount: notes.count,
        heads: runs.heads(),
      };
    },
  };
}

interface Torn {
  readonly place: Place;
  readonly endByte: number;
  readonly code: "torn" | "not_an_event";
}

/** How many torn lines of a segment wait for their `audit.repaired`. More are damage at once. */
const TORN_WAITING = 1_000;

function segmentVerifier(
  segment: number,
  { runs, say, seen }: { runs: WriterRuns; say: Reports; seen: (time?: string) => void },
): SegmentVerifier {
  const splitter = lineSplitter();
  let line = 0;
  let waiting: Torn[] = [];

  const unaccounted = ({ place, code }: Torn): void => say.damage(place, code, UNACCOUNTED[code]);
  const fragment = (raw: RawLine, place: Place, length: number): void => {
    if (raw.cutBytes > 0) {
      const limit = `longer than ${MAX_LINE_BYTES} bytes, which no writer makes`;
      return say.damage(place, "too_long", limit);
    }
    const code = looksBegun(raw.bytes) ? "torn" : "not_an_event";
    const torn: Torn = { place, endByte: raw.byte + length, code };
    if (waiting.length < TORN_WAITING) waiting.push(torn);
    else unaccounted(torn);
  };
  const repaired = (atByte: number): void => {
    for (const { place } of waiting.filter(({ endByte }) => endByte === atByte)) {
      say.note(place, "torn", "torn line, which an audit.repaired accounts for");
    }
    waiting = waiting.filter(({ endByte }) => endByte !== atByte);
  };

  const check = (raw: RawLine): void => {
    line += 1;
    if (raw.bytes.length === 0) return;
    const place: Place = { segment, line, byte: raw.byte - raw.cutBytes };
    const found = readSealedBytes(raw.bytes);
    if (found === undefined || found.behindBytes > 0 || raw.cutBytes > 0) {
      fragment(raw, place, found?.behindBytes ?? raw.bytes.length);
    }
    if (found === undefined) return;
    const { seal, state } = found;
    seen(seal.time);
    if (!checkBytes(found, place, say.damage)) return;
    runs.follow(linkOf(found, place, raw.byte + raw.bytes.length));
    if (seal.type === "audit.repaired" && seal.atByte !== undefined && state === "intact") {
      repaired(seal.atByte);
    }
  };

  return {
    push: (chunk) => splitter.push(chunk).forEach(check),
    end() {
      const rest = splitter.rest();
      if (rest !== undefined) check(rest);
      waiting.forEach(unaccounted);
    },
  };
}

const UNACCOUNTED: Readonly<Record<Torn["code"], string>> = {
  torn: "torn line: begun, not finished, and no audit.repaired accounts for it",
  not_an_event: "not an audit event",
};

/** Says what is wrong with the bytes themselves, and whether they can be placed in a chain. */
function checkBytes({ seal, state }: SealedBytes, place: Place, damage: Report): boolean {
  if (seal.v !== AUDIT_VERSION) {
    const known = `of a version other than ${AUDIT_VERSION}, which cannot be checked`;
    damage(place, "version_unknown", known, seal);
    return false;
  }
  if (state === "changed") damage(place, state, "its bytes are not the ones its hash covers", seal);
  if (state === "not_utf8") damage(place, state, "not valid UTF-8, which no writer writes", seal);
  if (state === "rewritten") {
    damage(place, state, "serialised again: it does not end in its hash as it was written", seal);
  }
  return true;
}

function linkOf({ seal, state, computed }: SealedBytes, place: Place, endByte: number): Link {
  const intact = state === "intact";
  return { seal, place, endByte, intact, otherHash: intact ? undefined : computed };
}

/** Whether a fragment could be the front of a line. */
function looksBegun(bytes: Buffer): boolean {
  const front = bytes.subarray(0, LINE_START.length).toString("latin1");
  return LINE_START.startsWith(front);
}
