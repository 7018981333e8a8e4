import type { Dialect, SqlValue } from "../record/select-lines.ts";

/** SQLite's. A list goes as JSON: there may be more in it than places for values. */
export const sqliteDialect: Dialect = {
  place: () => "?",
  among: (column, values, add) => {
    const [only] = values;
    if (values.length === 1 && only !== undefined) return `${column} = ${add(only)}`;
    return `${column} IN (SELECT value FROM json_each(${add(JSON.stringify(values))}))`;
  },
  scope(text, isPrefix, add) {
    const matches = isPrefix
      ? `substr(value, 1, ${text.length}) = ${add(text)}`
      : `value = ${add(text)}`;
    // What somebody else put there need not be JSON, and must not end the whole search.
    const scopes = "CASE WHEN json_valid(scopes) THEN scopes ELSE '[]' END";
    return `EXISTS (SELECT 1 FROM json_each(${scopes}) WHERE ${matches})`;
  },
  since: (moment, add) => {
    // Without a first position, it would read all that is older too.
    const first = `SELECT min(position) FROM events WHERE time >= ${add(moment)}`;
    return `(position >= (${first}) AND +time >= ${add(moment)})`;
  },
  timeUntil: "+time",
};

/** A value as SQLite takes it. */
export function bound(value: SqlValue): string | number {
  return typeof value === "object" ? JSON.stringify(value) : value;
}
