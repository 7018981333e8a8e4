import { Pool } from "pg";
import type { PostgresConnection, PostgresPool } from "./client.ts";

/** A pool of our own, and how it ends. */
export interface OwnPool extends PostgresPool {
  end(): Promise<void>;
}

const CONNECT_MS = 10_000;
/** A server that hears and does not answer is one that cannot be reached. */
const ANSWER_MS = 30_000;

/** A pool with one connection, which keeps no process from ending while it has nothing to do. */
export function openPool(
  connection: string | PostgresConnection,
  answerMs: number = ANSWER_MS,
): OwnPool {
  const where =
    typeof connection === "string" ? { connectionString: connection } : { ...connection };
  const pool = new Pool({
    ...where,
    max: 1,
    allowExitOnIdle: true,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: answerMs,
    keepAlive: true,
    application_name: "agent-keys",
  });
  // That an idle connection ended is found out when it is next used.
  pool.on("error", () => undefined);
  // Nor must it end the process when a server that is going down says so in the moment in which a
  // client is handed over, and nobody listens to it.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    connect: async () => pool.connect(),
    end: async () => pool.end(),
  };
}
