import {
  durationText,
  pad,
  printable,
  textWidth,
  tint,
  type TextStyle,
  type Tone,
  truncateRoute,
} from "@agent-keys/core/audit";
import type { RequestRow } from "./collect-requests.ts";
import type { Stats, StatsRow } from "./collect-stats.ts";
import { wrap } from "./wrap.ts";

/** The tables of `agent-keys stats`. Pure. */
export function statsText(stats: Stats, limit: number, style: TextStyle): string {
  const { total, requests } = stats;
  const parts = [
    ...(total.calls === 0 ? [] : [callsOf(stats, limit)]),
    ...(requests.total.requests === 0 ? [] : [requestsOf(stats, limit)]),
  ];
  if (parts.length === 0) return "";
  const tables = parts.flatMap((part) => part.tables);
  const names = tables.flatMap((table) => table.rows.map(({ name }) => textWidth(name)));
  const room = Math.max(8, Math.min(WIDEST, style.columns - NUMBERS));
  const width = Math.min(room, Math.max(8, ...names));
  const texts = parts.flatMap((part) => [
    linesText(part.lines, style),
    ...part.tables.map((table) => tableText(table, width, style)),
  ]);
  return `${texts.join("\n\n")}\n`;
}

interface Part {
  readonly lines: readonly string[];
  readonly tables: readonly Table[];
}

function callsOf({ total, agents, tools, scopes, codes, from, to }: Stats, limit: number): Part {
  const counts = counted(total, [
    ["ok", "ok"],
    ["denied", "denied"],
    ["errors", "failed"],
    ["expired", "expired"],
    ["cancelled", "cancelled"],
    ["interrupted", "interrupted"],
    ["open", "open"],
  ]);
  return {
    lines: [
      `${total.calls} ${total.calls === 1 ? "call" : "calls"}: ${counts}`,
      period(from, to),
      ...codesText("denied", codes),
    ],
    tables: [
      toTable("AGENT", agents, callCells, CALL_COLUMNS, { limit, nameless: "" }),
      toTable("TOOL", tools, callCells, CALL_COLUMNS, { limit, nameless: "(no tool)" }),
      toTable("SCOPE", scopes, callCells, CALL_COLUMNS, { limit, nameless: "" }),
    ],
  };
}

function requestsOf({ requests, total, from, to }: Stats, limit: number): Part {
  const { total: all, agents, routes, codes } = requests;
  const counts = counted(all, [
    ["ok", "ok"],
    ["refused", "refused"],
    ["errors", "failed"],
    ["open", "open"],
  ]);
  const columns = REQUEST_COLUMNS;
  return {
    lines: [
      `${all.requests} ${all.requests === 1 ? "request" : "requests"}: ${counts}`,
      ...(total.calls === 0 ? [period(from, to)] : []),
      ...codesText("refused", codes),
    ],
    tables: [
      toTable("AGENT", agents, requestCells, columns, { limit, nameless: "(no key)" }),
      toTable("ROUTE", routes, requestCells, columns, { limit, nameless: "(no route)" }),
    ],
  };
}

function counted<Fate extends string>(
  row: Readonly<Record<Fate, number>>,
  names: readonly (readonly [fate: Fate, name: string])[],
): string {
  return names
    .flatMap(([fate, name]) => (row[fate] > 0 ? [`${row[fate]} ${name}`] : []))
    .join(", ");
}

function codesText(what: string, codes: Stats["codes"]): readonly string[] {
  if (codes.length === 0) return [];
  return [`${what}: ${codes.map(({ code, count }) => `${code} ${count}`).join(", ")}`];
}

function linesText(lines: readonly string[], style: TextStyle): string {
  const [first = "", ...rest] = lines.flatMap((line) => wrap(line, style.columns));
  return [first, ...rest.map((line) => tint(line, "dim", style))].join("\n");
}

function period(from: string | null, to: string | null): string {
  return `${moment(from)} to ${moment(to)} UTC`;
}

function moment(time: string | null): string {
  return (time ?? "").slice(0, 19).replace("T", " ");
}

const CALL_COLUMNS = ["CALLS", "DENIED", "ERRORS", "EXPIRED", "P50", "P95"] as const;
const REQUEST_COLUMNS = ["ASKED", "REFUSED", "ERRORS", "OPEN", "P50", "P95"] as const;
const CELL = 8;
const NUMBERS = CALL_COLUMNS.length * CELL;
const WIDEST = 60;

interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly Cell[] }[];
  /** How many there are, shown or not. */
  readonly count: number;
}

type Cell = readonly [text: string, tone: Tone];

function toTable<Row extends { readonly name: string | null }>(
  title: string,
  rows: readonly Row[],
  cellsOf: (row: Row) => readonly Cell[],
  columns: readonly string[],
  { limit, nameless }: { readonly limit: number; readonly nameless: string },
): Table {
  const shown = rows.slice(0, limit).map((row) => ({
    name: row.name === null ? nameless : printable(row.name),
    cells: cellsOf(row),
  }));
  return { title, columns, rows: shown, count: rows.length };
}

function tableText(
  { title, columns, rows, count }: Table,
  width: number,
  style: TextStyle,
): string {
  const head = `${pad(title, width)}${columns.map((name) => name.padStart(CELL)).join("")}`;
  const lines = rows.map(
    ({ name, cells }) =>
      pad(truncateRoute(name, width), width) +
      cells.map(([text, tone]) => cell(text, tone, style)).join(""),
  );
  const more = count - rows.length;
  const rest = more > 0 ? [tint(`and ${more} more: --limit ${count}`, "dim", style)] : [];
  return [tint(head, "dim", style), ...lines, ...rest].join("\n");
}

function callCells({ calls, denied, errors, expired, p50Ms, p95Ms }: StatsRow): readonly Cell[] {
  return [
    [String(calls), "plain"],
    ...[denied, errors, expired].map(bad),
    ...[p50Ms, p95Ms].map(duration),
  ];
}

function requestCells(row: RequestRow): readonly Cell[] {
  const { requests, refused, errors, open, p50Ms, p95Ms } = row;
  return [
    [String(requests), "plain"],
    ...[refused, errors, open].map(bad),
    ...[p50Ms, p95Ms].map(duration),
  ];
}

function bad(count: number): Cell {
  return count > 0 ? [String(count), "bad"] : ["-", "dim"];
}

function duration(ms: number | null): Cell {
  return ms === null ? ["-", "dim"] : [durationText(ms), "plain"];
}

function cell(text: string, tone: Tone, style: TextStyle): string {
  return " ".repeat(Math.max(1, CELL - text.length)) + tint(text, tone, style);
}
