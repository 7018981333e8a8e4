import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Connect, RedisConnection } from "./connection.ts";

/** Who connects, and how what is said is kept from others. */
export interface NodeRedisOptions {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Absent: in the clear. */
  readonly tls: ConnectionOptions | undefined;
}

const CONNECT_TIMEOUT_MS = 1_000;

/**
 * Connections of node-redis, each used until it is lost: no queue of what was asked meanwhile, and
 * nothing sent again, for it could have been done already.
 */
export function nodeRedis({ username, password, database, tls }: NodeRedisOptions): Connect {
  return async ({ host, port }): Promise<RedisConnection> => {
    const { createClient } = await import("redis");
    const once = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false } as const;
    const client = createClient({
      RESP: 2,
      database,
      disableOfflineQueue: true,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      socket:
        tls === undefined
          ? { host, port, ...once }
          : { ...serverName(host), ...tls, host, port, ...once, tls: true },
    });
    // Whoever waits for an answer is told; with nobody waiting there is nobody to tell.
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (error) {
      close();
      throw error;
    }
    // A program that is done may end, whatever its store waits for.
    client.unref();
    return { send: (words) => client.sendCommand(words), close };

    function close(): void {
      try {
        client.destroy();
      } catch {
        // It was closed already.
      }
    }
  };
}

/** An address is no name, and is refused as one. */
function serverName(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}
