import type { SecretSource } from "@agent-keys/core";

/** A table that keys may be granted rights on, with the columns that may be granted and their types. */
export interface Table {
  readonly schema: string;
  readonly name: string;
  /** By name, the type as PostgreSQL's `format_type` writes it: `bigint`, `timestamp with time zone`. */
  readonly columns: ReadonlyMap<string, string>;
}

/** A database in which the broker makes a role for each grant. Made by `definePostgres`. */
export interface Database {
  /** The first part of its scopes: `orders-db`. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** What a constraint may name, as policies are checked against it. */
  readonly routes: readonly {
    readonly scopes: readonly string[];
    readonly parameters: ReadonlyMap<string, unknown>;
  }[];
  readonly tables: readonly Table[];
  /** A URL with the name and password of who may create roles. */
  readonly admin: SecretSource;
  readonly network: "public" | "private";
  /** Where clients reach it, when that is not where the admin's URL says. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** Sessions of one role at the same time. */
  readonly sessions: number;
  /** Roles of one issuer, and of all, that live at the same time. */
  readonly rolesOfIssuer: number;
  readonly roles: number;
  readonly statementMs: number;
  readonly idleInTransactionMs: number;
}

/** Where a role logs in. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly tls: boolean;
}
