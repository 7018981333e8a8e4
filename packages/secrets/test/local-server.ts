import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A request as it arrived, whole. */
export interface Asked {
  readonly method: string;
  /** As it was sent, so that a signature over it can be checked. */
  readonly target: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** A vendor's server on loopback, and what a test does to it. */
export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  /** Every request since it began. */
  readonly asked: Asked[];
  /** What is answered next, one after the other, before the vendor's own answers. */
  readonly faults: Answer[];
  /** Whether it is down: it answers 503 to everything. */
  isDown: boolean;
}

/** Serves on loopback, over TLS when it is given a certificate, as most vendors' clients insist. */
export async function localServer(
  answer: (asked: Asked) => Answer | Promise<Answer>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<LocalServer> {
  const all: Asked[] = [];
  const faults: Answer[] = [];
  const down: Answer = {
    status: 503,
    headers: { "content-type": "text/html" },
    body: "<h1>No</h1>",
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    void received(request).then(async (one) => {
      all.push(one);
      const { status, headers, body } = served.isDown
        ? down
        : (faults.shift() ?? (await answer(one)));
      const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(text);
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const served: LocalServer = {
    url: `${tls === undefined ? "http" : "https"}://${tls === undefined ? "127.0.0.1" : "localhost"}:${port}`,
    asked: all,
    faults,
    isDown: false,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return served;
}

/** What is done to a server to test a source on it with `managedSourceContract`. */
export function managed(
  server: LocalServer,
  throttled: (retryAfter: Readonly<Record<string, string>>) => Answer = (headers) => ({
    status: 429,
    headers,
  }),
): {
  readonly throttle: (requests: number, retryAfterSeconds?: number) => void;
  readonly setDown: (isDown: boolean) => void;
  readonly requests: () => number;
} {
  return {
    throttle: (requests, retryAfterSeconds = 0) => {
      const answer = throttled({ "retry-after": String(retryAfterSeconds) });
      for (let count = 0; count < requests; count += 1) server.faults.push(answer);
    },
    setDown: (isDown) => {
      server.isDown = isDown;
    },
    requests: () => server.asked.length,
  };
}

async function received(request: IncomingMessage): Promise<Asked> {
  const { method = "", url = "" } = request;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces).toString();
  return { method, target: url, url: new URL(url, `http://${headers["host"]}`), headers, body };
}
