/** The table's name where none is given. */
export const DEFAULT_TABLE = "agent_keys_audit";

const NAME = /^[a-z_][a-z0-9_]{0,49}(\.[a-z_][a-z0-9_]{0,49})?$/;

/**
 * Makes sure that a table's name can stand in SQL as it is.
 *
 * @throws TypeError when it is not lower case letters, digits and underscores, after a schema or not.
 */
export function requireTable(table: string, what: string): void {
  if (NAME.test(table)) return;
  throw new TypeError(`${what}: lower case letters, digits and _, as in audit.agent_keys_audit`);
}

/**
 * The SQL that makes the table and its indexes, for whoever does not let the sink do it
 * (`createTable: false`). The sink's role then needs no more than INSERT and SELECT on the table, and
 * that of the console SELECT.
 *
 * @param table - Default `agent_keys_audit`; with its schema where it is not in the search path.
 * @throws TypeError when the name could not stand in SQL as it is.
 */
export function postgresSchema(table: string = DEFAULT_TABLE): string {
  requireTable(table, "postgresSchema: table");
  const base = table.slice(table.indexOf(".") + 1);
  const text = 'text COLLATE "C"';
  const index = (column: string): string =>
    `CREATE INDEX IF NOT EXISTS ${base}_${column} ON ${table} (${column})`;
  const sparse = (column: string): string => `${index(column)} WHERE ${column} IS NOT NULL`;
  return `CREATE TABLE IF NOT EXISTS ${table} (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  writer ${text} NOT NULL,
  seq bigint NOT NULL,
  time timestamptz NOT NULL,
  type ${text} NOT NULL,
  id ${text} NOT NULL,
  iss ${text},
  key_id ${text},
  parent_id ${text},
  agent ${text},
  user_id ${text},
  txn ${text},
  tool ${text},
  call_id ${text},
  id_end ${text},
  code ${text},
  outcome ${text},
  scopes text[] NOT NULL,
  line text NOT NULL,
  UNIQUE (writer, seq)
);
${["time", "id", "type"].map(index).join(";\n")};
${["key_id", "parent_id", "call_id", "id_end", "agent", "user_id", "tool", "txn", "code"]
  .map(sparse)
  .join(";\n")};
`;
}
