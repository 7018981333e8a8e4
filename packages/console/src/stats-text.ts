import {
  durationText,
  fit,
  pad,
  printable,
  textWidth,
  tint,
  type TextStyle,
  type Tone,
  truncate,
} from "@agent-keys/core/audit";
import type { Stats, StatsRow } from "./collect-stats.ts";

/** The tables of `agent-keys stats`. Pure. */
export function statsText(stats: Stats, limit: number, style: TextStyle): string {
  if (stats.total.calls === 0) return "";
  const tables = [
    toTable("AGENT", stats.agents, limit),
    toTable("TOOL", stats.tools, limit),
    toTable("SCOPE", stats.scopes, limit),
  ];
  const names = tables.flatMap((table) => table.rows.map(({ name }) => textWidth(name)));
  const room = Math.max(8, Math.min(WIDEST, style.columns - NUMBERS));
  const width = Math.min(room, Math.max(8, ...names));
  const texts = tables.map((table) => tableText(table, width, style));
  return `${[summary(stats, style), ...texts].join("\n\n")}\n`;
}

function summary({ total, codes, from, to }: Stats, style: TextStyle): string {
  const counts = FATES.flatMap(([fate, name]) =>
    total[fate] > 0 ? [`${total[fate]} ${name}`] : [],
  );
  const calls = total.calls === 1 ? "1 call" : `${total.calls} calls`;
  const lines = [
    `${calls}: ${counts.join(", ")}`,
    `${moment(from)} to ${moment(to)} UTC`,
    ...(codes.length > 0
      ? [`denied: ${codes.map(({ code, count }) => `${code} ${count}`).join(", ")}`]
      : []),
  ];
  const [first = "", ...rest] = lines.map((line) => truncate(line, style.columns));
  return [first, ...rest.map((line) => tint(line, "dim", style))].join("\n");
}

const FATES = [
  ["ok", "ok"],
  ["denied", "denied"],
  ["errors", "failed"],
  ["expired", "expired"],
  ["cancelled", "cancelled"],
  ["interrupted", "interrupted"],
  ["open", "open"],
] as const;

function moment(time: string | null): string {
  return (time ?? "").slice(0, 19).replace("T", " ");
}

const COLUMNS = ["CALLS", "DENIED", "ERRORS", "EXPIRED", "P50", "P95"] as const;
const CELL = 8;
const NUMBERS = COLUMNS.length * CELL;
const WIDEST = 60;

interface Table {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly row: StatsRow }[];
  /** How many there are, shown or not. */
  readonly count: number;
}

function toTable(title: string, rows: readonly StatsRow[], limit: number): Table {
  const named = rows
    .slice(0, limit)
    .map((row) => ({ name: row.name === null ? "(no tool)" : printable(row.name), row }));
  return { title, rows: named, count: rows.length };
}

function tableText({ title, rows, count }: Table, width: number, style: TextStyle): string {
  const head = `${pad(title, width)}${COLUMNS.map((name) => name.padStart(CELL)).join("")}`;
  const lines = rows.map(
    ({ name, row }) =>
      fit(name, width) +
      cells(row)
        .map(([text, tone]) => cell(text, tone, style))
        .join(""),
  );
  const more = count - rows.length;
  const rest = more > 0 ? [tint(`and ${more} more: --limit ${count}`, "dim", style)] : [];
  return [tint(head, "dim", style), ...lines, ...rest].join("\n");
}

function cells({ calls, denied, errors, expired, p50Ms, p95Ms }: StatsRow): [string, Tone][] {
  const bad = (count: number): [string, Tone] =>
    count > 0 ? [String(count), "bad"] : ["-", "dim"];
  const duration = (ms: number | null): [string, Tone] =>
    ms === null ? ["-", "dim"] : [durationText(ms), "plain"];
  return [
    [String(calls), "plain"],
    ...[denied, errors, expired].map(bad),
    ...[p50Ms, p95Ms].map(duration),
  ];
}

function cell(text: string, tone: Tone, style: TextStyle): string {
  return " ".repeat(Math.max(1, CELL - text.length)) + tint(text, tone, style);
}
