import type { Report } from "./report.ts";
import { contestLines } from "./broker/contest-table.ts";
import type { Row, Target } from "./result.ts";

/** The report for people, at most 80 columns wide. */
export function table(report: Report): string {
  const { date, machine, load, node, versions, quick, seconds } = report;
  const missed = report.benchmarks.flatMap(({ rows }) => rows).filter((row) => row.missed).length;
  return [
    `agent-keys benchmarks, ${date.slice(0, 16).replace("T", " ")} UTC, ${seconds} s`,
    ...lines(
      `${machine.processor} (${machine.cores} cores, ${machine.memoryGib} GiB), ${machine.system}; ` +
        `load ${load.toFixed(1)} before; Node ${node}, ${list(versions)}`,
    ),
    "A ratio is the median of N rounds' own ratios; all take turns in every round.",
    ...(quick ? ["A quick run: these numbers mean nothing."] : []),
    ...report.benchmarks.flatMap(({ id, title, means, contests, rows }) => [
      "",
      `(${id}) ${title}`,
      ...means.flatMap((text) => lines(text, "    ")),
      ...contests.flatMap(contestLines),
      HEAD,
      ...rows.map(rowText),
    ]),
    "",
    missed === 0 ? "Every target was met." : `${missed} missed.`,
    "",
  ].join("\n");
}

/** Words on lines of at most 80 columns. */
function lines(text: string, indent = ""): readonly string[] {
  const filled: string[] = [];
  for (const word of text.split(" ")) {
    const last = filled.at(-1);
    if (last === undefined || last.length + word.length >= COLUMNS) filled.push(indent + word);
    else filled[filled.length - 1] = `${last} ${word}`;
  }
  return filled;
}

const COLUMNS = 80;

const HEAD = "    RATIO  TARGET                OURS     FLOOR    N";

function rowText({ what, unit, ratio, ours, floor, rounds, target, missed }: Row): string {
  const cells = [
    `${ratio.toFixed(2)}×`.padStart(9),
    wanted(target, unit).padEnd(8),
    (missed ? "MISSED" : "").padEnd(6),
    amount(ours, unit).padStart(8),
    amount(floor, unit).padStart(8),
    String(rounds).padStart(3),
  ];
  return `${cells.join("  ")}  ${what}`;
}

function wanted(target: Target | undefined, unit: string): string {
  if (target === undefined) return "";
  if (target.atLeast !== undefined) return `≥ ${target.atLeast}×`;
  return target.of === "ratio" ? `≤ ${target.atMost}×` : `+ ${target.atMost} ${unit}`;
}

function amount(value: number, unit: string): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
}

function list(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}
