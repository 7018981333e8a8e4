import type { SecretSource } from "@agent-keys/core";
import { isScope, requireKnown } from "@agent-keys/core/enforce";
import type { Database, Table } from "./database.ts";
import { ACTIONS } from "./rights.ts";

/** What {@link definePostgres} takes. */
export interface PostgresDefinition {
  /** The first part of its scopes: `orders-db`. Lower-case letters, digits, `-` and `_`. */
  readonly name: string;
  /**
   * `postgres://user:password@host:port/database` of a role that may create roles and grant what is listed
   * here. Beyond loopback with `?sslmode=verify-full`, or `network: "private"`.
   */
  readonly admin: SecretSource;
  /**
   * Everything that a key can be granted, schema by schema, table by table: columns with their types as
   * `format_type` writes them. What is not listed no role is ever given.
   */
  readonly schemas: Readonly<
    Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>
  >;
  /** `"private"`: the server is in a network where passwords' exchange and rows may pass without TLS. */
  readonly network?: "public" | "private" | undefined;
  /** Where clients reach the server, when that is not where `admin` says. */
  readonly address?: { readonly host: string; readonly port: number } | undefined;
  /** Sessions that one role may have at the same time. Default 5. */
  readonly sessions?: number | undefined;
  /** Roles that live at the same time for one issuer. Default 50. Beyond: `limit_exceeded`. */
  readonly rolesOfIssuer?: number | undefined;
  /** Roles of this broker that live at the same time. Default 200. Beyond: `limit_exceeded`. */
  readonly roles?: number | undefined;
  /** `statement_timeout` that a session begins with, in milliseconds. Default 30,000. */
  readonly statementMs?: number | undefined;
  /** `idle_in_transaction_session_timeout` that a session begins with, in milliseconds. Default 10,000. */
  readonly idleInTransactionMs?: number | undefined;
}

const OPTIONS: readonly (keyof PostgresDefinition)[] = [
  "name",
  "admin",
  "schemas",
  "network",
  "address",
  "sessions",
  "rolesOfIssuer",
  "roles",
  "statementMs",
  "idleInTransactionMs",
];

/**
 * A PostgreSQL database in which a key's `connection()` gets a role of its own, with the rights that the
 * key's grants name and no others. Scopes are `tables.read`, `tables.insert`, `tables.update` and
 * `tables.delete`; constraints may name `schema`, `table` and `column`. Needs the package `pg`.
 *
 * @throws TypeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * import { definePostgres } from "@agent-keys/broker";
 * import { env } from "@agent-keys/secrets";
 *
 * const orders = definePostgres({
 *   name: "orders-db",
 *   admin: env("ORDERS_DB_ADMIN_URL"),
 *   schemas: { public: { orders: { id: "bigint", status: "text" } } },
 * });
 * ```
 */
export function definePostgres(definition: PostgresDefinition): Database {
  requireKnown("definePostgres: ", definition, OPTIONS);
  const { name, admin, network = "public", address } = definition;
  if (typeof name !== "string" || !isScope(`${name}:tables.read`)) {
    throw wrong("name", "is made of a-z 0-9 _ -");
  }
  if (typeof admin !== "object" || admin === null || typeof admin.read !== "function") {
    throw wrong("admin", "must be the source of its URL, such as env(name)");
  }
  if (network !== "public" && network !== "private") {
    throw wrong("network", 'must be "public" or "private"');
  }
  if (address !== undefined) {
    requireKnown("definePostgres: address.", address, ["host", "port"]);
    if (!/^[A-Za-z0-9.:_-]+$/.test(address.host)) throw wrong("address.host", "is no host");
  }
  const parameters = new Map(["schema", "table", "column"].map((one) => [one, "string"] as const));
  const ofRows = new Map(["schema", "table"].map((one) => [one, "string"] as const));
  const routes = ACTIONS.map((action) => ({
    scopes: [`${name}:tables.${action}`],
    parameters: action === "delete" ? ofRows : parameters,
  }));
  return Object.freeze({
    name,
    admin,
    network,
    address: address && { host: address.host, port: whole("address.port", address.port) },
    scopes: routes.flatMap(({ scopes }) => scopes),
    routes,
    tables: tablesOf(definition.schemas),
    sessions: whole("sessions", definition.sessions ?? 5),
    rolesOfIssuer: whole("rolesOfIssuer", definition.rolesOfIssuer ?? 50),
    roles: whole("roles", definition.roles ?? 200),
    statementMs: whole("statementMs", definition.statementMs ?? 30_000),
    idleInTransactionMs: whole("idleInTransactionMs", definition.idleInTransactionMs ?? 10_000),
  });
}

function tablesOf(schemas: PostgresDefinition["schemas"]): readonly Table[] {
  const tables = members("schemas", schemas).flatMap(([schema, own]) => {
    if (schema.startsWith("pg_") || schema === "information_schema") {
      throw wrong(`schemas.${schema}`, "is the server's own");
    }
    return members(`schemas.${schema}`, own).map(([name, columns]): Table => {
      const at = `schemas.${schema}.${name}`;
      const list = members(at, columns);
      if (list.length === 0) throw wrong(at, "has no column");
      for (const [column, type] of list) {
        if (typeof type !== "string" || type === "") throw wrong(`${at}.${column}`, "has no type");
      }
      return { schema, name, columns: new Map(list) };
    });
  });
  if (tables.length === 0) throw wrong("schemas", "has no table");
  return tables;
}

/** Longer names the server would cut, and then find another. */
const MAX_NAME_BYTES = 63;

function members<T>(at: string, value: Readonly<Record<string, T>>): readonly [string, T][] {
  if (typeof value !== "object" || value === null) throw wrong(at, "must be an object");
  const list = Object.entries(value);
  for (const [name] of list) {
    const isName = name !== "" && Buffer.byteLength(name) <= MAX_NAME_BYTES && name.isWellFormed();
    if (!isName || name.includes("\0")) throw wrong(at, "has a name that PostgreSQL cannot have");
  }
  return list;
}

function whole(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0 && value < 2 ** 31) return value;
  throw wrong(option, "must be a positive whole number");
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`definePostgres: ${option}: ${what}`);
}
