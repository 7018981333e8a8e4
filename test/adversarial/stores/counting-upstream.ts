import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";

/** An upstream that counts how often it was asked for what. */
export interface CountingUpstream extends AsyncDisposable {
  readonly url: string;
  /** How many requests came whose path ends so. */
  of(last: string): number;
  readonly requests: number;
}

/**
 * Opens one.
 *
 * @param slowMs - How long an answer takes, so that some requests are under way when a broker dies.
 * @param stream - What answers requests whose path ends in `stream`.
 */
export async function openCountingUpstream(
  slowMs: () => number,
  stream?: RequestListener,
): Promise<CountingUpstream> {
  const counts = new Map<string, number>();
  let requests = 0;
  const server = createServer((request, response) => {
    const last = basename(request.url ?? "");
    counts.set(last, (counts.get(last) ?? 0) + 1);
    requests += 1;
    if (last === "stream" && stream !== undefined) return stream(request, response);
    setTimeout(() => response.end("ok"), slowMs());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    of: (last) => counts.get(last) ?? 0,
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
