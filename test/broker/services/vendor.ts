import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as a vendor saw it. */
export interface Seen {
  readonly method: string;
  /** As it stood on the line. */
  readonly target: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a vendor answers. A function writes the answer itself. */
export type Answer =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly json?: unknown;
      readonly bytes?: Uint8Array;
    }
  | ((response: ServerResponse) => void);

/** A local server in a vendor's place. */
export interface Vendor extends AsyncDisposable {
  readonly url: string;
  /** What came with the real credential. */
  readonly seen: readonly Seen[];
  /** What came with any other, or none: answered as the vendor answers it, and nothing else was done. */
  readonly strangers: readonly Seen[];
}

/**
 * @param credential - The whole `Authorization` that is demanded; `undefined` for a host that takes none.
 * @param stranger - What anybody without it is answered.
 * @param answer - `undefined`: 404.
 */
export async function openVendor(
  credential: string | undefined,
  stranger: Answer,
  answer: (request: Seen) => Answer | undefined,
): Promise<Vendor> {
  const seen: Seen[] = [];
  const strangers: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: target = "", headers } = request;
      const { pathname, searchParams: query } = new URL(target, "http://vendor");
      const path = decodeURIComponent(pathname);
      const asked = { method, target, path, query, headers, body: Buffer.concat(chunks) };
      const known = headers.authorization === credential;
      (known ? seen : strangers).push(asked);
      write(response, known ? (answer(asked) ?? { status: 404, json: {} }) : stranger);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    strangers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function write(response: ServerResponse, answer: Answer): void {
  if (typeof answer === "function") return answer(response);
  const { status = 200, headers = {}, json, bytes } = answer;
  const type = json === undefined ? {} : { "content-type": "application/json; charset=utf-8" };
  response.writeHead(status, { ...type, ...headers });
  response.end(json === undefined ? bytes : JSON.stringify(json));
}
