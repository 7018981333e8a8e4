import { randomInt } from "node:crypto";
import { isIP } from "node:net";
import { AgentKeyError } from "@agent-keys/core";
import { secretCache, type SecretCache } from "@agent-keys/secrets";
import type * as pgModule from "pg";
import type { Client, ClientConfig, Pool, PoolClient } from "pg";
import type { Address, Database } from "./database.ts";
import { LOCK_CLASS } from "./statements.ts";

/** The broker's own sessions in a database. */
export interface Admin {
  /**
   * Lends a session, which is ended if the work fails.
   *
   * @throws AgentKeyError `upstream_unavailable` or `secret_unavailable`. What the server said is not in it, but
   * for its code.
   */
  run<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
  /**
   * The life that this process is in, for the database: a number under a lock that ends with its session,
   * however that ends. Another one after the session broke off.
   */
  life(): Promise<Life>;
  close(): Promise<void>;
}

interface Life {
  readonly life: number;
  readonly databaseOid: number;
  /** Where a role logs in. */
  readonly address: Address;
}

/** What the source says at the moment, and the sessions made with it. */
interface Open {
  readonly secret: string;
  readonly pool: Pool;
}

const SESSIONS = 5;
const CONNECT_MS = 10_000;
/** Longer than any change of roles takes: what hangs must not keep all the others out. */
const STATEMENT_MS = 15_000;

export function openAdmin(database: Database, now: () => number): Admin {
  const cache: SecretCache = secretCache(database.admin, { now });
  let open: Open | undefined;
  let keeping: Promise<Life> | undefined;
  let keeper: Client | undefined;
  let closed = false;

  const poolNow = async (): Promise<Open> => {
    const { value } = await cache.read();
    if (closed) throw new AgentKeyError("upstream_unavailable", { detail: "the broker stops" });
    const { default: pg } = await loadPg();
    if (open?.secret === value) return open;
    const before = open;
    const pool = new pg.Pool({ ...configOf(value, database), max: SESSIONS });
    // An idle session that breaks off is made anew when it is needed.
    pool.on("error", ignore);
    open = { secret: value, pool };
    void before?.pool.end().catch(ignore);
    return open;
  };

  const attempt = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    const { pool, secret } = await poolNow();
    const client = await pool.connect().catch(async (error: unknown) => {
      if (REFUSED.has(codeOf(error))) await cache.refresh(secret).catch(ignore);
      throw error;
    });
    let done = false;
    try {
      const result = await work(client);
      done = true;
      return result;
    } finally {
      // One in the middle of something is of no use to the next.
      client.release(!done);
    }
  };

  const keep = async (): Promise<Life> => {
    const { secret } = await poolNow();
    const { default: pg } = await loadPg();
    const config = configOf(secret, database);
    const client = new pg.Client({ ...config, keepAlive: true });
    const over = (): void => {
      if (keeper === client) keeping = keeper = undefined;
    };
    client.on("error", over);
    client.on("end", over);
    keeper = client;
    await client.connect();
    const life = randomInt(1, 2 ** 31);
    await client.query("SELECT pg_advisory_lock($1, $2)", [LOCK_CLASS, life]);
    const { rows } = await client.query<{ oid: number }>(
      "SELECT oid FROM pg_database WHERE datname = current_database()",
    );
    const { host = "", port = 5432, database: name = "", ssl } = config;
    const at = database.address ?? { host, port };
    const address = { host: at.host, port: at.port, database: name, tls: ssl !== false };
    return { life, databaseOid: rows[0]?.oid ?? 0, address };
  };

  return {
    async run(work) {
      try {
        return await attempt(work);
      } catch (error) {
        throw unavailable(error);
      }
    },
    async life() {
      keeping ??= keep();
      const mine = keeping;
      try {
        return await mine;
      } catch (error) {
        if (keeping === mine) keeping = undefined;
        throw unavailable(error);
      }
    },
    async close() {
      closed = true;
      await Promise.all([keeper?.end().catch(ignore), open?.pool.end().catch(ignore)]);
    },
  };
}

/** The server does not take this name, or this password. */
const REFUSED: ReadonlySet<string> = new Set(["28P01", "28000"]);

async function loadPg(): Promise<typeof pgModule> {
  try {
    return await import("pg");
  } catch {
    throw new AgentKeyError("upstream_unavailable", { detail: "the package pg is not installed" });
  }
}

/** @throws AgentKeyError `secret_unavailable` for a URL that is none, which is not quoted. */
function configOf(secret: string, { network }: Database): ClientConfig {
  const url = URL.parse(secret);
  const mode = url?.searchParams.get("sslmode") ?? "disable";
  const isPostgres = url?.protocol === "postgres:" || url?.protocol === "postgresql:";
  if (url === null || !isPostgres || url.hostname === "" || url.pathname.length < 2) {
    throw unreadable("is no postgres://user:password@host:port/database");
  }
  if (mode !== "disable" && mode !== "verify-full") {
    throw unreadable("sslmode must be verify-full, or disable");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (mode === "disable" && network !== "private" && !isLoopback(host)) {
    throw unreadable('beyond loopback it needs sslmode=verify-full, or network: "private"');
  }
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ssl: mode === "verify-full" ? { rejectUnauthorized: true } : false,
    application_name: "agent-keys",
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
  };
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

function unreadable(detail: string): AgentKeyError {
  return new AgentKeyError("secret_unavailable", { detail: `the admin's URL: ${detail}` });
}

/** Messages of the server quote names and values; its codes do not. */
function unavailable(error: unknown): AgentKeyError {
  if (error instanceof AgentKeyError) return error;
  const detail = `the database: ${codeOf(error) || "no connection"}`;
  return new AgentKeyError("upstream_unavailable", { detail });
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" && /^[A-Z0-9_]{1,40}$/.test(code) ? code : "";
}

function ignore(): void {}
