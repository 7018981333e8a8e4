import type { Database } from "./database.ts";
import type { Action, Right } from "./rights.ts";

/** Of the advisory locks that brokers take: one for each life of each. */
export const LOCK_CLASS = 0x61_6b_65_79;

/** A name as an identifier, whatever is in it: as `format('%I')`, which leaves out quotes it does not need. */
export function identifier(name: string): string {
  if (name.includes("\0")) throw new TypeError("a name with a NUL");
  return `"${name.replaceAll('"', '""')}"`;
}

/** Only for texts that were made here: they hold nothing that ends one. */
function literal(text: string): string {
  if (!/^[A-Za-z0-9+/=$:.-]*$/.test(text)) throw new TypeError("not a plain text");
  return `'${text}'`;
}

export interface NewRole {
  readonly name: string;
  readonly verifier: string;
  readonly expiresAtMs: number;
  readonly databaseName: string;
}

const PRIVILEGE: Readonly<Record<Action, string>> = {
  read: "SELECT",
  insert: "INSERT",
  update: "UPDATE",
  delete: "DELETE",
};

/** Makes a role, and gives it these rights: with the COMMIT it is there, or nothing of it. */
export function createRole(role: NewRole, database: Database, rights: readonly Right[]): string {
  const name = identifier(role.name);
  const until = literal(new Date(role.expiresAtMs).toISOString());
  const schemas = new Set(rights.map(({ table }) => table.schema));
  return [
    `CREATE ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS` +
      ` CONNECTION LIMIT ${database.sessions} PASSWORD ${literal(role.verifier)} VALID UNTIL ${until}`,
    // To end its sessions and drop what it owns, where the admin is no superuser.
    `GRANT ${name} TO CURRENT_USER`,
    `ALTER ROLE ${name} SET statement_timeout = ${database.statementMs}`,
    `ALTER ROLE ${name} SET idle_in_transaction_session_timeout = ${database.idleInTransactionMs}`,
    `GRANT CONNECT ON DATABASE ${identifier(role.databaseName)} TO ${name}`,
    ...[...schemas].map((schema) => `GRANT USAGE ON SCHEMA ${identifier(schema)} TO ${name}`),
    ...rights.map(({ action, table, columns }) => {
      const on = `${identifier(table.schema)}.${identifier(table.name)}`;
      const list = columns.length === 0 ? "" : ` (${columns.map(identifier).join(", ")})`;
      return `GRANT ${PRIVILEGE[action]}${list} ON TABLE ${on} TO ${name}`;
    }),
    "COMMIT",
  ].join("; ");
}

/** No new session from now on. */
export function lockOut(name: string): string {
  return `ALTER ROLE ${identifier(name)} NOLOGIN PASSWORD NULL`;
}

export function dropRole(name: string): string {
  return `DROP OWNED BY ${identifier(name)}; DROP ROLE ${identifier(name)}; COMMIT`;
}

/** Ends the sessions of a role ($1: its id). A row for each that there was. */
export const END_SESSIONS: string =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = $1";

/**
 * What everybody may do here, and so every role that is made, beyond its grants. What extensions bring
 * is for whoever installed them.
 */
export const PUBLIC_RIGHTS: string = `
WITH own AS (
  SELECT oid, nspname, nspacl FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), brought AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
)
SELECT 'CREATE on schema ' || nspname AS what FROM own, aclexplode(nspacl) a
  WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
UNION ALL
SELECT a.privilege_type || ' on database ' || datname FROM pg_database d,
  aclexplode(coalesce(datacl, acldefault('d', datdba))) a
  WHERE a.grantee = 0 AND datallowconn
  AND NOT (datname = current_database() AND a.privilege_type = 'CONNECT')
UNION ALL
SELECT a.privilege_type || ' on ' || nspname || '.' || relname
  FROM pg_class c JOIN own ON own.oid = relnamespace, aclexplode(relacl) a
  WHERE a.grantee = 0 AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM brought)
UNION ALL
SELECT a.privilege_type || ' on ' || nspname || '.' || relname || '.' || attname
  FROM pg_attribute t JOIN pg_class c ON c.oid = attrelid JOIN own ON own.oid = relnamespace,
  aclexplode(attacl) a
  WHERE a.grantee = 0 AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM brought)
UNION ALL
SELECT 'EXECUTE on the security definer ' || nspname || '.' || proname
  FROM pg_proc p JOIN own ON own.oid = pronamespace,
  aclexplode(coalesce(proacl, acldefault('f', proowner))) a
  WHERE a.grantee = 0 AND prosecdef
  AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM brought)
LIMIT 3`;

/** The columns of tables ($1: schemas, $2: names), with their types with and without modifiers. */
export const COLUMNS: string = `
SELECT nspname AS schema, relname AS table, attname AS column,
  format_type(atttypid, atttypmod) AS type, format_type(atttypid, NULL) AS plain
FROM unnest($1::text[], $2::text[]) AS asked(s, t)
JOIN pg_namespace n ON nspname = s
JOIN pg_class c ON relnamespace = n.oid AND relname = t AND relkind IN ('r', 'p')
JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped`;

/** Roles of this database ($1: the prefix of their names), and of which the life is over. */
export const ROLES: string = `
SELECT oid, rolname AS name, coalesce(rolvaliduntil < now() - interval '5 s', true) AS expired
FROM pg_roles WHERE starts_with(rolname, $1)`;

/** The lives that go on: each holds a lock for as long as its session. A role of a key's may take any lock too. */
export const LIVES: string = `
SELECT objid::bigint::text AS life FROM pg_locks
JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND classid = ${LOCK_CLASS} AND objsubid = 2 AND granted
AND NOT starts_with(usename, 'agent_key_')`;
