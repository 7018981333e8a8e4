/** What is wrong with a line, or noteworthy. */
export type ChainFindingCode =
  /** The bytes are not the ones the line's hash covers. */
  | "changed"
  /** A whole event, but serialised again by something else: it does not end in its hash. */
  | "rewritten"
  | "not_utf8"
  /** Longer than any writer makes one. */
  | "too_long"
  /** A line that was begun and not finished. A note when `audit.repaired` accounts for it. */
  | "torn"
  /** Not an event at all. */
  | "not_an_event"
  /** Of a schema version that this reader does not know, so its hash may follow other rules. */
  | "version_unknown"
  /** Earlier lines of the same writer are not here. */
  | "missing_before"
  /** The first lines of a writer are not here. */
  | "head_missing"
  /** A note: earlier lines were in a segment that an `audit.rotated` says was removed. */
  | "removed"
  /** The line before it is another than the one it was written after. */
  | "prev_mismatch"
  | "repeated"
  | "out_of_order";

/** One finding, where it is, and a sentence for people. */
export interface ChainFinding {
  readonly code: ChainFindingCode;
  /** The segment's name, as it was given. */
  readonly segment: string;
  /** Counts from 1. */
  readonly line: number;
  /** Where the line begins in its segment. */
  readonly byte: number;
  /** The writer as the line names it: not to be trusted, and not safe to print as it is. */
  readonly writer?: string | undefined;
  readonly seq?: number | undefined;
  /** What is wrong, in plain words. Holds nothing of the line's own text. */
  readonly what: string;
}

/** Where a writer's chain ends. Keep it elsewhere: a later cut or rewriting then shows. */
export interface ChainHead {
  readonly writer: string;
  /** The last line's. */
  readonly seq: number;
  readonly hash: string;
}

/** What {@link verifyChains} found. */
export interface ChainReport {
  /** Whole events, intact or not. */
  readonly events: number;
  readonly writers: number;
  /** The earliest event's time, ISO 8601. */
  readonly from: string | undefined;
  /** The latest event's. */
  readonly to: string | undefined;
  /** The first 100, in the order of segments and lines. Empty: nothing was found. */
  readonly damage: readonly ChainFinding[];
  readonly damageCount: number;
  /** What is out of the ordinary but accounted for. The first 100. */
  readonly notes: readonly ChainFinding[];
  readonly noteCount: number;
  readonly heads: readonly ChainHead[];
}

/** How many findings a report names; it counts all. */
const MAX_FINDINGS = 100;

/** A place in the record, before its segment has a name. */
export interface Place {
  readonly segment: number;
  readonly line: number;
  readonly byte: number;
}

interface Found {
  readonly place: Place;
  readonly finding: ChainFinding;
}

/** Gathers findings, of which it keeps the first by place, however late they are found. */
export interface FindingList {
  add(place: Place, finding: ChainFinding): void;
  readonly count: number;
  first(): readonly ChainFinding[];
}

/** An empty list. */
export function findingList(): FindingList {
  let kept: Found[] = [];
  let count = 0;
  const sort = (): void => {
    kept = kept.toSorted((a, b) => order(a.place, b.place)).slice(0, MAX_FINDINGS);
  };
  return {
    add(place, finding) {
      count += 1;
      kept.push({ place, finding });
      if (kept.length >= 2 * MAX_FINDINGS) sort();
    },
    get count() {
      return count;
    },
    first() {
      sort();
      return kept.map(({ finding }) => finding);
    },
  };
}

function order(a: Place, b: Place): number {
  return a.segment - b.segment || a.line - b.line || a.byte - b.byte;
}

/** Adds a finding about a place, and the line found there. */
export type Report = (
  place: Place,
  code: ChainFindingCode,
  what: string,
  seal?: { readonly writer: string; readonly seq: number },
) => void;

/** Where findings go. */
export interface Reports {
  readonly damage: Report;
  readonly note: Report;
}
