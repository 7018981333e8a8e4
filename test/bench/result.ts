import type { Contest } from "./broker/contest.ts";
import { median, perRound, type Plan, quantile } from "./rounds.ts";

/** What a benchmark is given. */
export interface Bench extends Plan {
  /** A directory for its files, deleted afterwards. */
  readonly directory: string;
  /** A short run that only shows that everything works. */
  readonly quick: boolean;
  /** Puts a table of several before the rows. */
  tell(contest: Contest): void;
}

/** One benchmark of the set. */
export interface Benchmark {
  /** The letter that `--only` takes. */
  readonly id: string;
  readonly title: string;
  /** What `ours` and `floor` are, in words. */
  readonly means: readonly string[];
  run(bench: Bench): Promise<readonly Row[]>;
}

/** The most, or the least, that is wanted: of the ratio, or of the difference in the row's unit. */
export type Target =
  | { readonly of: "ratio" | "difference"; readonly atMost: number; readonly atLeast?: never }
  | { readonly of: "ratio"; readonly atLeast: number; readonly atMost?: never };

/** One comparison. */
export interface Row {
  readonly what: string;
  readonly unit: "µs" | "ms" | "/s" | "MiB" | "open";
  /** The median of each round's own ratio of ours to the floor. */
  readonly ratio: number;
  /** The middle half of the rounds' ratios. */
  readonly ratioQuartiles: readonly [number, number];
  /** Medians over the rounds. */
  readonly ours: number;
  readonly floor: number;
  readonly rounds: number;
  /** Absent where the row is only for comparison. */
  readonly target?: Target | undefined;
  readonly missed: boolean;
}

/** Compares what the rounds measured. */
export function compare(
  what: string,
  { unit = "µs", target }: { unit?: Row["unit"]; target?: Target | undefined },
  ours: readonly number[],
  floor: readonly number[],
): Row {
  const ratios = perRound(ours, floor, (a, b) => a / b);
  const [ratio, ourMedian, floorMedian] = [median(ratios), median(ours), median(floor)];
  return {
    what,
    unit,
    ratio,
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    ours: ourMedian,
    floor: floorMedian,
    rounds: ratios.length,
    ...(target === undefined ? {} : { target }),
    missed: target !== undefined && !isReached(target, ratio, ourMedian - floorMedian),
  };
}

function isReached(target: Target, ratio: number, difference: number): boolean {
  if (target.atLeast !== undefined) return ratio >= target.atLeast;
  return (target.of === "ratio" ? ratio : difference) <= target.atMost;
}

/** A target on the ratio. */
export function atMost(ratio: number): Target {
  return { of: "ratio", atMost: ratio };
}
