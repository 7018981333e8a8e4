import type { Connect, RedisConnection } from "@agent-keys/stores/redis";
import { createClient } from "redis";

/** Connections of a test's own, of which it can see and change what is sent. */
export function connecting(
  change: (words: readonly string[], send: RedisConnection["send"]) => Promise<unknown>,
): Connect {
  return async ({ host, port }) => {
    const socket = { host, port, reconnectStrategy: false, connectTimeout: 1_000 } as const;
    const client = createClient({ RESP: 2, socket, disableOfflineQueue: true });
    client.on("error", () => undefined);
    await client.connect();
    const send: RedisConnection["send"] = (words) => client.sendCommand([...words]);
    return {
      send: (words) => change(words, send),
      close: () => client.isOpen && client.destroy(),
    };
  };
}

/** A server whose clock the test moves: scripts are sent in full, with another way to tell the time. */
export function onClock(now: () => number): Connect {
  return connecting(async (words, send) => {
    const [command, text = "", ...rest] = words;
    if (command === "EVALSHA") throw new Error("NOSCRIPT of this text");
    if (command !== "EVAL") return send(words);
    const told = text.replaceAll("redis.call('TIME')", `{0, ${Math.floor(now())} * 1000}`);
    return send([command, told, ...rest]);
  });
}
