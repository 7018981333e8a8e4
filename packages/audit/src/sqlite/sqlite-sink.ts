import { type BigIntStats, statSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type AuditEvent, type LogFilter, parseLine, type Sink } from "@agent-keys/core/audit";
import { columnsOf } from "../record/columns.ts";
import { selectLines } from "../record/select-lines.ts";
import { bound, sqliteDialect } from "./dialect.ts";
import { openToRead, openToWrite } from "./open-events.ts";

/** How many events are read when no limit is given. */
const DEFAULT_READ_LIMIT = 1_000;

const COLUMNS =
  "writer, seq, time, type, id, iss, key_id, parent_id, agent, user_id, txn, tool, call_id, id_end, code, outcome, scopes, line";
const INSERT = `INSERT INTO events (${COLUMNS}) VALUES (${COLUMNS.replaceAll(/\w+/g, "?")})`;

interface Open {
  readonly database: DatabaseSync;
  readonly insert: StatementSync;
  readonly file: BigIntStats;
}

/**
 * Writes events to a SQLite file, each with the columns that the console filters by: mode 0600, in WAL
 * mode, so that others read while it is written to. Several processes may share the file; each keeps
 * its own chain. A line is accepted when it is committed: it survives the end of the process, though
 * not that the power fails. When another process keeps the file busy, a write waits for up to a second
 * and then throws. Opened at the first event.
 *
 * @param path - The file, made when missing; relative to the working directory of now.
 * @throws TypeError when there is no path.
 */
export function sqliteSink(path: string): Sink & Disposable {
  if (typeof path !== "string" || path === "") throw new TypeError("sqliteSink: path is missing");
  const absolute = resolve(path);
  let open: Open | undefined;
  let isNew = true;

  const opened = (): Open => {
    if (open !== undefined) return open;
    const database = openToWrite(absolute);
    const insert = database.prepare(INSERT);
    return (open = { database, insert, file: statSync(absolute, { bigint: true }) });
  };
  const close = (): void => {
    open?.database.close();
    open = undefined;
  };

  return {
    notices() {
      opened();
      if (!isNew) return [];
      isNew = false;
      return [{ type: "audit.opened", pid: process.pid }];
    },
    write(event, line) {
      const { insert, file } = opened();
      insertLine(insert, event, line);
      if (isStill(absolute, file)) return;
      // What was written went with the file. The next write makes a new one.
      close();
      throw new Error("the SQLite record was deleted or replaced while it was written to");
    },
    read: (filter) => readNewest(absolute, filter),
    [Symbol.dispose]: close,
  };
}

function insertLine(insert: StatementSync, event: AuditEvent, line: string): void {
  const c = columnsOf(event);
  insert.run(
    c.writer,
    c.seq,
    c.time,
    c.type,
    c.id,
    c.iss,
    c.key_id,
    c.parent_id,
    c.agent,
    c.user_id,
    c.txn,
    c.tool,
    c.call_id,
    c.id_end,
    c.code,
    c.outcome,
    JSON.stringify(c.scopes),
    line,
  );
}

function isStill(path: string, { ino, dev }: BigIntStats): boolean {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false });
  return now?.ino === ino && now.dev === dev;
}

function readNewest(
  path: string,
  { since, tool, limit = DEFAULT_READ_LIMIT }: LogFilter,
): AuditEvent[] {
  if (limit <= 0 || statSync(path, { throwIfNoEntry: false }) === undefined) return [];
  using database = openToRead(path);
  const { sql, values } = selectLines(
    "events",
    {
      order: "newest",
      tools: tool === undefined ? [] : [tool],
      sinceMs: since === undefined ? undefined : new Date(since).getTime(),
    },
    sqliteDialect,
  );
  const newest: AuditEvent[] = [];
  for (const { line } of database.prepare(sql).iterate(...values.map(bound))) {
    const event = parseLine(String(line));
    // A long name is cut in its column.
    if (event === undefined || !isAbout(event, tool)) continue;
    if (newest.push(event) >= limit) break;
  }
  return newest.toReversed();
}

function isAbout(event: AuditEvent, tool: string | undefined): boolean {
  return tool === undefined || ("tool" in event && event.tool?.name === tool);
}
