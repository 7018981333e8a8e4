import type { TreeReport } from "@agent-keys/audit";
import {
  type ChainFinding,
  type ChainReport,
  printable,
  type TextStyle,
  tint,
  type Tone,
} from "@agent-keys/core/audit";
import { wrap } from "./wrap.ts";

/** How many findings are shown; `--json` has more. */
const SHOWN = 20;

const LIMITS =
  "A chain shows what was edited, taken out, moved or put in by somebody who did not compute it " +
  "again. It cannot show a tail that was cut off, a writer that was taken out whole, or a chain " +
  "that was computed again from some line on. A checkpoint that was kept elsewhere shows those too: " +
  "agent-keys checkpoint signs one, verify --checkpoint holds the record against it.";

/** What `agent-keys verify` says, the first bad line first. Pure. */
export function verifyText(
  report: ChainReport,
  files: readonly string[],
  style: TextStyle,
  tree?: TreeReport,
): string {
  const { damage, damageCount, notes, noteCount } = report;
  const lines = [
    ...(tree === undefined ? [] : [...treeVerdict(tree, style), ""]),
    ...verdict(report, files, style),
    ...listed("DAMAGED", "bad", { findings: damage, count: damageCount }, files, style),
    ...listed("note", "warn", { findings: notes, count: noteCount }, files, style),
    ...(tree === undefined
      ? ["", ...wrap(LIMITS, readable(style)).map((line) => tint(line, "dim", style))]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** What was held against checkpoints. */
function treeVerdict({ lines, proven, removed, findings }: TreeReport, style: TextStyle): string[] {
  const word =
    findings.length === 0 ? tint("as signed", "good", style) : tint("DAMAGED", "bad", style);
  const gone = removed === 0 ? "" : `; ${removed} of them were removed, as the record says`;
  const since = lines > proven ? `; ${plural(lines - proven, "line")} since are under none` : "";
  return [
    `${word}  the first ${plural(proven, "line")} are what a checkpoint was signed over${gone}${since}`,
    ...findings.flatMap(({ what }) => {
      const [first = "", ...rest] = wrap(`DAMAGED  ${printable(what)}`, readable(style) - 4);
      return [
        "",
        first.replace("DAMAGED", tint("DAMAGED", "bad", style)),
        ...rest.map((text) => `    ${text}`),
      ];
    }),
  ];
}

function verdict(
  { damageCount, events, writers, from, to }: ChainReport,
  files: readonly string[],
  style: TextStyle,
): string[] {
  const fine = damageCount === 0;
  const word = fine ? tint("intact", "good", style) : tint("DAMAGED", "bad", style);
  const where = files.length === 1 ? printable(files[0] ?? "") : `${files.length} files`;
  const times =
    from === undefined || to === undefined ? "" : `, ${moment(from)} to ${moment(to)} UTC`;
  const counts = `${plural(events, "event")} of ${plural(writers, "writer")}`;
  const found = fine ? "" : `${plural(damageCount, "finding")} in `;
  return [`${word}  ${found}${where}`, tint(`${counts}${times}`, "dim", style)];
}

function listed(
  word: string,
  tone: Tone,
  { findings, count }: { findings: readonly ChainFinding[]; count: number },
  files: readonly string[],
  style: TextStyle,
): string[] {
  const shown = findings.slice(0, SHOWN);
  const more = count - shown.length;
  return [
    ...shown.flatMap((finding) => ["", ...entry(word, tone, finding, files, style)]),
    ...(more > 0 ? ["", tint(`and ${more} more`, "dim", style)] : []),
  ];
}

function entry(
  word: string,
  tone: Tone,
  { segment, line, byte, writer, seq, what }: ChainFinding,
  files: readonly string[],
  style: TextStyle,
): string[] {
  const file = files.length > 1 ? `${printable(segment)} ` : "";
  const who = writer === undefined ? "" : ` (writer ${printable(writer)}, seq ${seq})`;
  const [first = "", ...rest] = wrap(
    `${word}  ${file}line ${line}, byte ${byte}: ${what}${who}`,
    readable(style) - 4,
  );
  return [
    tint(first.slice(0, word.length), tone, style) + first.slice(word.length),
    ...rest.map((text) => `    ${text}`),
  ];
}

/** Running text is not wider than is good to read. */
function readable({ columns }: TextStyle): number {
  return Math.max(20, Math.min(columns, 80));
}

function plural(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

function moment(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}
