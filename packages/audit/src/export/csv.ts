import { type AuditEvent, printable } from "@agent-keys/core/audit";

/** The columns that stand first; what else an event says is in `other`, as JSON. */
const COLUMNS = [
  "time",
  "type",
  "id",
  "iss",
  "agent",
  "user",
  "txn",
  "tool",
  "callId",
  "framework",
  "keyId",
  "parentId",
  "scopes",
  "outcome",
  "code",
  "durationMs",
  "service",
  "method",
  "route",
  "status",
  "bytes",
  "check",
  "reason",
  "by",
  "writer",
  "seq",
  "hash",
  "other",
] as const;

/** The names of the columns, as the first line (RFC 4180). */
export function csvHeader(): string {
  return `${COLUMNS.join(",")}\r\n`;
}

/**
 * An event as a line of CSV (RFC 4180): every text in quotes, a line break at the end and none inside.
 * A text that a spreadsheet would take for a formula gets a `'` in front; control characters are made visible.
 */
export function csvLine(event: AuditEvent): string {
  const { tool, ...rest } = event as AuditEvent & Partial<Record<string, unknown>>;
  const fields: Record<string, unknown> = { ...rest, ...toolFields(tool) };
  const cells = COLUMNS.slice(0, -1).map((name) => {
    const value = fields[name];
    Reflect.deleteProperty(fields, name);
    return cell(value);
  });
  // The version and the chain's link are of the record, not of what happened.
  const { v: _, prev: __, ...other } = fields;
  return `${[...cells, cell(Object.keys(other).length === 0 ? undefined : other)].join(",")}\r\n`;
}

function toolFields(tool: unknown): Record<string, unknown> {
  if (typeof tool !== "object" || tool === null) return {};
  const { name, callId, framework } = tool as Record<string, unknown>;
  return { tool: name, callId, framework };
}

/** What makes a cell a formula in some spreadsheet, in full width too. */
const FORMULA = /^[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function cell(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = printable(textOf(value));
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.join(" ") : JSON.stringify(value);
}
