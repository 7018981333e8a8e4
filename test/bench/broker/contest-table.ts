import type { Contest, Standing } from "./contest.ts";

/** A contest for people, at most 80 columns wide. */
export function contestLines({ what, standings }: Contest): readonly string[] {
  return ["", `    ${what}`, HEAD, ...standings.map(standingText), ""];
}

const HEAD = "     RATE     CPU     REQ/S        CPU       P50       P99";

function standingText(standing: Standing): string {
  const { who, rateRatio, processorRatio, perSecond, processorMicros, p50Ms, p99Ms } = standing;
  const cells = [
    times(rateRatio).padStart(9),
    times(processorRatio).padStart(6),
    (perSecond === undefined ? "" : perSecond.toFixed(0)).padStart(8),
    (processorMicros === undefined
      ? ""
      : `${processorMicros.toFixed(processorMicros < 1_000 ? 1 : 0)} µs`
    ).padStart(9),
    `${p50Ms.toFixed(p50Ms < 100 ? 2 : 0)} ms`.padStart(8),
    `${p99Ms.toFixed(p99Ms < 100 ? 2 : 0)} ms`.padStart(8),
  ];
  return `${cells.join("  ")}  ${who}`;
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toFixed(2)}×`;
}
