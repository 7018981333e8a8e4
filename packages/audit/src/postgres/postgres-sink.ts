import type { Sink } from "@agent-keys/core/audit";
import { type BorrowedClient, borrowClient } from "./borrow-client.ts";
import type { PostgresClient, PostgresConnection, PostgresPool } from "./client.ts";
import { insertLines, rowOf } from "./insert-lines.ts";
import { openPool } from "./open-pool.ts";
import { prepareTable } from "./prepare-table.ts";
import { startPump } from "./pump.ts";
import { inOurWords } from "./say-why.ts";
import { DEFAULT_TABLE, requireTable } from "./schema.ts";
import { openSpool } from "./spool.ts";

/** Where events go, and where they wait. */
export type PostgresSinkOptions = (
  | {
      /** A connection string such as `postgres://user:password@host/database`, or its parts. */
      readonly connection: string | PostgresConnection;
      readonly pool?: undefined;
    }
  | {
      /** A pool of `pg` that is yours, of which one connection is used; give it an error listener. */
      readonly pool: PostgresPool;
      readonly connection?: undefined;
    }
) & {
  /**
   * The directory where events wait until PostgreSQL has them: made when missing, 0700, on a disk that
   * outlives the process. Each process, and each sink in it, needs one of its own.
   */
  readonly spool: string;
  /** How much may wait there, in bytes, at least 64 KiB; then new keys stop. Default 256 MiB. */
  readonly maxSpoolBytes?: number | undefined;
  /** Default `agent_keys_audit`. */
  readonly table?: string | undefined;
  /** Whether a table that is missing is made. If not, {@link postgresSchema} is its SQL. Default true. */
  readonly createTable?: boolean | undefined;
  /** How long `flush` waits until all is in PostgreSQL, in milliseconds. Default 5,000. */
  readonly flushMs?: number | undefined;
};

/** A sink that writes to PostgreSQL. */
export interface PostgresSink extends Sink, AsyncDisposable {
  /** How many bytes wait in the spool. */
  readonly waitingBytes: number;
}

const DEFAULT_SPOOL_BYTES = 256 * 1024 * 1024;
const LEAST_SPOOL_BYTES = 64 * 1024;
const DEFAULT_FLUSH_MS = 5_000;
const OPTIONS = ["connection", "pool", "spool", "maxSpoolBytes", "table", "createTable", "flushMs"];

/**
 * Writes events to a table of PostgreSQL, by way of a spool on disk: `write` returns when the operating
 * system has the line, as `fileSink` does, and a pump sends batches. What waits outlives a crash of
 * either side, and is sent when both are back: each line once, each writer's in order. While PostgreSQL
 * is away the spool grows to its limit; then `write` throws, and no new keys are minted.
 *
 * `flush` resolves when all is in PostgreSQL and rejects when it is not in time; nothing is lost then.
 * Dispose of the sink to stop it; what waits stays in the spool.
 *
 * @throws TypeError when an option is wrong; Error when the spool cannot be opened, as when another
 *   process has it.
 */
export function postgresSink(options: PostgresSinkOptions): PostgresSink {
  requireOptions(options);
  const { table = DEFAULT_TABLE, createTable = true, flushMs = DEFAULT_FLUSH_MS } = options;
  const { maxSpoolBytes = DEFAULT_SPOOL_BYTES } = options;
  const own = options.connection === undefined ? undefined : openPool(options.connection);
  const pool: PostgresPool | undefined = own ?? options.pool;
  if (pool === undefined) throw new TypeError("postgresSink: connection is missing");
  const spool = openSpool(options.spool, maxSpoolBytes);
  const prepared = new WeakSet<PostgresClient>();

  const send = async (lines: readonly string[]): Promise<void> => {
    const rows = lines.flatMap((line) => {
      const row = rowOf(line);
      if (row === undefined) setAside(line);
      return row ?? [];
    });
    if (rows.length > 0) await withClient(pool, (client) => insert(client, rows));
  };
  const setAside = (line: string): void => {
    spool.setAside(line);
    process.emitWarning("postgresSink: a damaged line of the spool was put into set-aside");
  };
  const insert = async (client: PostgresClient, rows: Parameters<typeof insertLines>[2]) => {
    if (!prepared.has(client)) await prepareTable(client, { table, createTable });
    prepared.add(client);
    await insertLines(client, table, rows);
  };
  const pump = startPump(spool, send, {
    onFailure: ({ message }) =>
      process.emitWarning(`postgresSink: ${message}; events wait in the spool`),
  });
  let isNew = true;

  return {
    notices() {
      if (!isNew) return [];
      isNew = false;
      return [{ type: "audit.opened", pid: process.pid }];
    },
    write(_event, line) {
      try {
        spool.append(line);
      } catch (cause) {
        const { failure } = pump;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(
          failure === undefined
            ? `postgresSink: ${why}`
            : `postgresSink: ${why}; ${failure.message}`,
          { cause },
        );
      }
      pump.wake();
    },
    flush: async () => pump.flush(flushMs),
    get waitingBytes() {
      return spool.waitingBytes;
    },
    async [Symbol.asyncDispose]() {
      await pump.stop();
      spool[Symbol.dispose]();
      await own?.end();
    },
  };
}

/** Rejects with words of our own: see {@link inOurWords}. */
async function withClient(
  pool: PostgresPool,
  work: (client: PostgresClient) => Promise<void>,
): Promise<void> {
  let borrowed: BorrowedClient | undefined;
  let isWhole = false;
  try {
    borrowed = await borrowClient(pool);
    await work(borrowed.client);
    isWhole = true;
  } catch (error) {
    throw inOurWords(error);
  } finally {
    borrowed?.giveBack(isWhole);
  }
}

function requireOptions(options: PostgresSinkOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("postgresSink: options must be an object");
  }
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`postgresSink: there is no option ${unknown}`);
  const { connection, pool, spool, table, maxSpoolBytes, flushMs } = options;
  if ((connection === undefined) === (pool === undefined)) {
    throw new TypeError("postgresSink: give a connection or a pool, and not both");
  }
  if (typeof connection === "string" && !/^postgres(ql)?:\/\//.test(connection)) {
    throw new TypeError("postgresSink: connection must begin with postgres://");
  }
  if (typeof spool !== "string" || spool === "") {
    throw new TypeError("postgresSink: spool is missing, a directory of this process's own");
  }
  if (table !== undefined) requireTable(table, "postgresSink: table");
  requireAtLeast("maxSpoolBytes", maxSpoolBytes, LEAST_SPOOL_BYTES);
  requireAtLeast("flushMs", flushMs, 0);
}

function requireAtLeast(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw new TypeError(`postgresSink: ${name} must be a whole number, ${least} or more`);
}
