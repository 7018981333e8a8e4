import { checkRequest, type Grant } from "@agent-keys/core";
import type { Database, Table } from "./database.ts";

/** What can be granted on a table: the ends of a database's scopes. */
export const ACTIONS = ["read", "insert", "update", "delete"] as const;

export type Action = (typeof ACTIONS)[number];

/** One right on one table. No column is named where rows are deleted. */
export interface Right {
  readonly action: Action;
  readonly table: Table;
  readonly columns: readonly string[];
}

/** What a key's grants come to in a database. */
export interface Rights {
  readonly rights: readonly Right[];
  /** Which grants gave some: their places. */
  readonly grants: readonly number[];
  /** Whether any grant is for this database, whatever came of it. */
  readonly asked: boolean;
}

/**
 * The rights that grants come to. Each right on each column is allowed by one grant by itself. A grant
 * that says more than PostgreSQL can be told (another name, or columns where whole rows are deleted)
 * gives none. Pure.
 */
export function rightsOf({ name, tables }: Database, grants: readonly Grant[]): Rights {
  const given = grants.map((grant) => {
    const action = ACTIONS.find((one) => grant.scope === `${name}:tables.${one}`);
    const rights =
      action === undefined ? [] : tables.flatMap((table) => rightOn(table, action, grant));
    return { action, rights };
  });
  return {
    rights: given.flatMap(({ rights }) => rights),
    grants: given.flatMap(({ rights }, index) => (rights.length > 0 ? [index] : [])),
    asked: given.some(({ action }) => action !== undefined),
  };
}

const ON_COLUMNS: ReadonlySet<string> = new Set(["schema", "table", "column"]);
const ON_ROWS: ReadonlySet<string> = new Set(["schema", "table"]);

function rightOn(table: Table, action: Action, grant: Grant): readonly Right[] {
  const { schema, name } = table;
  const { scope, where = {} } = grant;
  const expressible = action === "delete" ? ON_ROWS : ON_COLUMNS;
  if (!Object.keys(where).every((one) => expressible.has(one))) return [];
  if (action === "delete") {
    const { allowed } = checkRequest([grant], { scope, values: { schema, table: name } });
    return allowed ? [{ action, table, columns: [] }] : [];
  }
  const columns = [...table.columns.keys()].filter(
    (column) => checkRequest([grant], { scope, values: { schema, table: name, column } }).allowed,
  );
  return columns.length > 0 ? [{ action, table, columns }] : [];
}
