import { printable } from "@agent-keys/core/audit";
import { ConsoleError } from "../console-error.ts";

/** A record in a database, as it was named. A password may be in it. */
export interface DatabaseAddress {
  readonly kind: "sqlite" | "postgres";
  /** The path of a file, or the connection string. */
  readonly at: string;
}

/** Where a record is: in files, or in one database. */
export interface Addresses {
  readonly files: readonly string[];
  readonly database?: DatabaseAddress | undefined;
}

const HINT = "--from takes file:audit.jsonl, sqlite:audit.db or postgres://user@host/database";
const SCHEME = /^([a-z]{3,}):/;

/**
 * Tells files from databases.
 *
 * @param files - Paths, whatever they look like.
 * @param named - Paths, or what `--from` takes.
 * @throws ConsoleError where there is more than one database, or files beside it.
 */
export function addressesOf(files: readonly string[], named: readonly string[]): Addresses {
  const databases: DatabaseAddress[] = [];
  const all: string[] = [];
  for (const text of named) {
    const database = databaseAt(text);
    if (database === undefined) all.push(withoutScheme(text, "file"));
    else databases.push(database);
  }
  all.push(...files);
  const [database, other] = databases;
  if (database === undefined) return { files: all };
  if (other !== undefined || all.length > 0) {
    throw new ConsoleError("a database is read alone", "several files are read as one record");
  }
  return { files: [], database };
}

function databaseAt(text: string): DatabaseAddress | undefined {
  const [, scheme] = SCHEME.exec(text) ?? [];
  switch (scheme) {
    case undefined:
    case "file":
      return undefined;
    case "sqlite":
      return { kind: "sqlite", at: withoutScheme(text, "sqlite") };
    case "postgres":
    case "postgresql":
      return { kind: "postgres", at: text };
    default:
      // The rest is not repeated: what is no address that we know may have a password in it too.
      throw new ConsoleError(`there are no records at ${printable(scheme)}:`, HINT);
  }
}

/** `sqlite:path` and `sqlite:///path`, as others write it. */
function withoutScheme(text: string, scheme: string): string {
  if (!text.startsWith(`${scheme}:`)) return text;
  const path = text.slice(scheme.length + 1).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw new ConsoleError(`${scheme}: names no file`, HINT);
  return path;
}
