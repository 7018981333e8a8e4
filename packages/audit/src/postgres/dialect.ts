import type { Dialect } from "../record/select-lines.ts";

/** PostgreSQL's. */
export const postgresDialect: Dialect = {
  place: (n) => `$${n}`,
  among: (column, values, add) => `${column} = ANY (${add(values)}::text[])`,
  scope: (text, isPrefix, add) => {
    if (!isPrefix) return `${add(text)}::text = ANY (scopes)`;
    return `EXISTS (SELECT 1 FROM unnest(scopes) AS one WHERE starts_with(one, ${add(text)}))`;
  },
  since: (moment, add) => `time >= ${add(moment)}::timestamptz`,
  timeUntil: "time",
};
