import type { RecordQuery } from "./audit-record.ts";
import { columnEnd, columnText } from "./columns.ts";

/** How a database says what others say otherwise. */
export interface Dialect {
  /** Where the n-th value goes, counted from 1. */
  place(n: number): string;
  /** Whether a column is one of some values; `place` stands for what `list` made of them. */
  among(column: string, values: readonly string[], add: (value: SqlValue) => string): string;
  /** Whether one of the scopes is this, or begins with it. */
  scope(text: string, isPrefix: boolean, add: (value: SqlValue) => string): string;
  /** Whether an event is of this moment or later, given as ISO 8601. */
  since(moment: string, add: (value: SqlValue) => string): string;
  /** `time` where no index on it is wanted: all until a moment is most of the record. */
  readonly timeUntil: string;
}

export type SqlValue = string | number | readonly string[];

/** A statement, and the values that go with it. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** The statement that finds what a query asks for. Every value goes beside it, none into it. Pure. */
export function selectLines(table: string, query: RecordQuery, dialect: Dialect): Statement {
  const values: SqlValue[] = [];
  const add = (value: SqlValue): string => dialect.place(values.push(value));
  const conditions: string[] = [];
  const among = (column: string, wanted: readonly string[] | undefined): void => {
    if (wanted === undefined || wanted.length === 0) return;
    conditions.push(dialect.among(column, wanted.map(columnText), add));
  };
  const { scopes = [], sinceMs, untilMs, after, idLike, about } = query;
  among("agent", query.agents);
  among("user_id", query.users);
  among("tool", query.tools);
  among("type", query.types);
  among("outcome", query.outcomes);
  if (scopes.length > 0) {
    conditions.push(anyOf(scopes.map((scope) => dialect.scope(...scopeStart(scope), add))));
  }
  if (sinceMs !== undefined) conditions.push(dialect.since(moment(sinceMs), add));
  if (untilMs !== undefined) {
    conditions.push(`${dialect.timeUntil} <= ${add(moment(untilMs))}`);
  }
  if (after !== undefined) conditions.push(`position > ${add(after)}`);
  if (idLike !== undefined) {
    const begins = (column: string, text: string): string =>
      `(${column} >= ${add(text)} AND ${column} < ${add(`${text}\u{10FFFF}`)})`;
    conditions.push(
      anyOf([
        begins("key_id", columnText(idLike)),
        begins("call_id", columnText(idLike)),
        begins("id_end", columnEnd(idLike)),
        `id = ${add(columnText(idLike))}`,
      ]),
    );
  }
  if (about !== undefined) {
    const ids = about.map(columnText);
    const columns = ["key_id", "parent_id", "call_id", "id"];
    conditions.push(anyOf(columns.map((column) => dialect.among(column, ids, add))));
  }
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const order = query.order === "newest" ? "DESC" : "ASC";
  const columns = query.compared === true ? "*" : "position, line";
  const sql = `SELECT ${columns} FROM ${table}${where} ORDER BY position ${order}`;
  return { sql, values };
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}

function anyOf(conditions: readonly string[]): string {
  return `(${conditions.join(" OR ")})`;
}

/** What a scope must begin with to be covered by a pattern, or what it must be. */
function scopeStart(pattern: string): [text: string, isPrefix: boolean] {
  return pattern.endsWith("*") ? [pattern.slice(0, -1), true] : [pattern, false];
}
