import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import type { Seeded } from "../../seeded.ts";
import type { Intents } from "./intents.ts";

/** An upstream that knows which key every request came for. */
export interface Ledger extends AsyncDisposable {
  readonly url: string;
  /** How many requests came for a key. */
  of(keyId: string): number;
  readonly requests: number;
  /** Keys whose request came before the line that announces it. */
  readonly unannounced: readonly string[];
  /** Requests with something else than the real credential. */
  readonly strangers: number;
}

const SLOWEST_MS = 12;

/** The last segment of a path is the id of the key that asks. */
export async function openLedger(
  secret: string,
  intents: () => Intents,
  random: Seeded,
): Promise<Ledger> {
  const counts = new Map<string, number>();
  const unannounced: string[] = [];
  let requests = 0;
  let strangers = 0;
  const server: Server = createServer((request, response) => {
    const id = basename(request.url ?? "");
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    requests += 1;
    if (request.headers.authorization !== `Bearer ${secret}`) strangers += 1;
    if (intents().of(id) < count) unannounced.push(id);
    // So that some are under way when the broker dies.
    setTimeout(() => response.end("ok"), random.next() * SLOWEST_MS);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (keyId) => counts.get(keyId) ?? 0,
    get requests() {
      return requests;
    },
    unannounced,
    get strangers() {
      return strangers;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
