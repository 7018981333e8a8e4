import { printable, printableJson, textWidth } from "@agent-keys/core/audit";
import type { CheckedSecret } from "./check-secret.ts";
import { wrap } from "./wrap.ts";

/** One line a secret, for programs. */
export function secretLines(checked: readonly CheckedSecret[]): string {
  return checked
    .map(({ service, source, expiresAtMs, readableBy, why }) => {
      const expiresAt = expiresAtMs === undefined ? undefined : isoOf(expiresAtMs);
      const line = { service, source, resolves: why === undefined, expiresAt, readableBy, why };
      return `${printableJson(JSON.stringify(line))}\n`;
    })
    .join("");
}

/** The widest that a table is where nobody says how wide it may be. */
const COLUMNS = 80;

/** A table for people: what fits into no column goes on below it. */
export function secretTable(
  checked: readonly CheckedSecret[],
  { columns, now }: { readonly columns: number; readonly now: () => number },
): string {
  const rows = checked.map((one) => [
    printable(one.service ?? "-"),
    one.why === undefined ? "yes" : "no",
    one.why === undefined ? lifeOf(one.expiresAtMs, now()) : "-",
  ]);
  const head = ["SECRET OF", "RESOLVES", "LIVES"];
  const widths = head.map((title, at) =>
    Math.max(...[head, ...rows].map((row) => textWidth(row[at] ?? title))),
  );
  const pad = (row: readonly string[]): string =>
    row.map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - textWidth(cell))).join("  ");
  const left = pad(head).length + 2;
  const room = Math.max(20, Math.min(columns, COLUMNS) - left);
  const lines = checked.flatMap((one, at) => {
    const [first = "", ...more] = notesOf(one).flatMap((note) => cut(printable(note), room));
    const rest = more.map((line) => `${" ".repeat(left)}${line}`);
    return [`${pad(rows[at] ?? [])}  ${first}`, ...rest];
  });
  return [`${pad(head)}  WHERE, AND WHO READS IT`, ...lines].map((line) => `${line}\n`).join("");
}

function notesOf({ source, readableBy, why }: CheckedSecret): readonly string[] {
  return [source, why ?? readableBy].filter((note) => note !== undefined);
}

/** References have no spaces to break them at. */
function cut(text: string, room: number): readonly string[] {
  return wrap(text, room).flatMap((line) => {
    const parts: string[] = [];
    let part = "";
    for (const char of line) {
      if (textWidth(part + char) > room) {
        parts.push(part);
        part = "";
      }
      part += char;
    }
    return [...parts, part];
  });
}

function lifeOf(expiresAtMs: number | undefined, nowMs: number): string {
  if (expiresAtMs === undefined) return "no expiry";
  const seconds = Math.max(0, Math.round((expiresAtMs - nowMs) / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.floor(seconds / 3_600)} h`
    : `${Math.floor(seconds / 86_400)} d`;
}

/** A date that is out of every range is of no use to a program either. */
function isoOf(ms: number): string | undefined {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : undefined;
}
