import { GENESIS } from "./chain.ts";
import type { ChainHead, Place, Reports } from "./chain-report.ts";
import type { Seal } from "./sealed-line.ts";

/** One whole line on its way into its writer's chain. */
export interface Link {
  readonly seal: Seal;
  readonly place: Place;
  /** Where the line ends in its segment. */
  readonly endByte: number;
  /** Whether its bytes are the ones that its hash covers. If not, that was said already. */
  readonly intact: boolean;
  /** The hash its bytes have, where that is another than it states. */
  readonly otherHash: string | undefined;
}

/** The lines of one writer in one segment, from the first to the last so far. */
interface Run {
  readonly writer: string;
  readonly segment: number;
  readonly first: Place;
  readonly firstSeq: number;
  readonly firstPrev: string;
  lastSeq: number;
  lastPrev: string;
  lastHash: string;
  /** After a changed line, the next may follow what it states or what it now is. */
  otherHash: string | undefined;
  lastLine: number;
  lastEnd: number;
  /** When the file was begun that the writer left, if it says so at the start. */
  leftBegun: string | undefined;
}

/**
 * How many lines of a run may stand before the one that says which file was left: a line that was
 * written again because its file was deleted, and the repair of a torn one.
 */
const BEFORE_ROTATED = 2;

/** Every writer's chain, as far as it was seen. */
export interface WriterRuns {
  /** Takes the next line of a segment, and says where it does not follow. */
  follow(link: Link): void;
  /** Puts the runs of all segments together, and says where they do not follow. */
  stitch(): void;
  heads(): readonly ChainHead[];
  readonly count: number;
}

/** No writer yet. */
export function writerRuns(say: Reports): WriterRuns {
  const writers = new Map<string, Run[]>();
  /** Segments begun until then were removed because there were too many: a writer says so. */
  let removedUntil = "";

  return {
    follow(link) {
      const { seal, place, intact } = link;
      if (intact && seal.type === "audit.rotated") {
        removedUntil = latest(removedUntil, seal.removedUntil);
      }
      const runs = writers.get(seal.writer) ?? [];
      const run = runs.at(-1);
      if (run?.segment === place.segment) return extend(run, link, say);
      runs.push(start(link));
      writers.set(seal.writer, runs);
    },
    stitch() {
      for (const runs of writers.values()) {
        // Segments may come in any order.
        runs.sort((a, b) => a.firstSeq - b.firstSeq || a.segment - b.segment);
        stitchRuns(runs, say, removedUntil);
      }
    },
    heads: () =>
      Array.from(writers.values(), (runs) => {
        const { writer, lastSeq, lastHash } = runs.reduce((a, b) =>
          b.lastSeq > a.lastSeq ? b : a,
        );
        return { writer, seq: lastSeq, hash: lastHash };
      }),
    get count() {
      return writers.size;
    },
  };
}

function start({ seal, place, endByte, otherHash, intact }: Link): Run {
  return {
    writer: seal.writer,
    segment: place.segment,
    first: place,
    firstSeq: seal.seq,
    firstPrev: seal.prev,
    lastSeq: seal.seq,
    lastPrev: seal.prev,
    lastHash: seal.hash,
    otherHash,
    lastLine: place.line,
    lastEnd: endByte,
    leftBegun: leftBy(seal, intact),
  };
}

function leftBy({ type, begun }: Seal, intact: boolean): string | undefined {
  return intact && type === "audit.rotated" ? begun : undefined;
}

function latest(a: string, b: string | undefined): string {
  return b !== undefined && b > a ? b : a;
}

function extend(run: Run, link: Link, { damage, note }: Reports): void {
  const { seal, place, intact } = link;
  const next = run.lastSeq + 1;
  const follows = seal.prev === run.lastHash || seal.prev === run.otherHash;
  if (!intact) {
    // Its own numbers may be what was changed: believed only as far as they fit.
    if (seal.seq === next || follows) advance(run, link, next);
    return;
  }
  if (seal.seq === next && follows) {
    if (next - run.firstSeq <= BEFORE_ROTATED) run.leftBegun ??= leftBy(seal, intact);
    return advance(run, link, next);
  }
  if (replacesUnended(run, link)) {
    const line: Place = { ...place, line: run.lastLine };
    note(line, "torn", "whole but for its newline, so its writer did not count it", seal);
    return advance(run, link, seal.seq);
  }
  if (seal.seq === next) {
    damage(
      place,
      "prev_mismatch",
      `does not follow line ${run.lastLine} as that line is now`,
      seal,
    );
    return advance(run, link, next);
  }
  if (seal.seq > next) {
    damage(place, "missing_before", `${missing(next, seal.seq)} of its writer before it`, seal);
    return advance(run, link, seal.seq);
  }
  if (seal.hash === run.lastHash) {
    damage(place, "repeated", `line ${run.lastLine} over again`, seal);
  } else {
    const late = `out of order: seq ${seal.seq} of its writer after seq ${run.lastSeq}`;
    damage(place, "out_of_order", late, seal);
  }
}

/**
 * A write that failed after everything but the newline: the writer takes the line back, ends it, and
 * says so under the number that the line had.
 */
function replacesUnended(run: Run, { seal }: Link): boolean {
  return (
    seal.type === "audit.repaired" &&
    seal.atByte === run.lastEnd &&
    seal.seq === run.lastSeq &&
    seal.prev === run.lastPrev
  );
}

function advance(run: Run, { seal, place, endByte, otherHash }: Link, seq: number): void {
  Object.assign(run, {
    lastSeq: seq,
    lastPrev: seal.prev,
    lastHash: seal.hash,
    otherHash,
    lastLine: place.line,
    lastEnd: endByte,
  } satisfies Partial<Run>);
}

function stitchRuns(runs: readonly Run[], { damage, note }: Reports, removedUntil: string): void {
  let before: Run | undefined;
  for (const run of runs) {
    const seal = { writer: run.writer, seq: run.firstSeq };
    const next = before === undefined ? 0 : before.lastSeq + 1;
    const prev = before === undefined ? GENESIS : before.lastHash;
    if (run.firstSeq > next && run.leftBegun !== undefined && run.leftBegun <= removedUntil) {
      const what = `${missing(next, run.firstSeq)} before it, with a segment that was removed as it should be`;
      note(run.first, "removed", what, seal);
    } else if (run.firstSeq > next && before === undefined) {
      const cut = `its writer's chain starts here: ${missing(0, run.firstSeq)} before it`;
      damage(run.first, "head_missing", cut, seal);
    } else if (run.firstSeq > next) {
      const gap = `${missing(next, run.firstSeq)} of its writer before it`;
      damage(run.first, "missing_before", gap, seal);
    } else if (run.firstSeq < next) {
      damage(run.first, "out_of_order", "its writer has this number in another segment too", seal);
    } else if (run.firstPrev !== prev && run.firstPrev !== before?.otherHash) {
      const what =
        before === undefined
          ? "numbered as its writer's first, but it follows another line"
          : "does not follow its writer's last line in the segment before";
      damage(run.first, "prev_mismatch", what, seal);
    }
    if (before === undefined || run.lastSeq >= before.lastSeq) before = run;
  }
}

function missing(from: number, to: number): string {
  const count = to - from;
  return count === 1 ? `seq ${from} is missing` : `seq ${from} to ${to - 1} are missing`;
}
