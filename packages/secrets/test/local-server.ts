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
}

/** Serves on loopback, over TLS when it is given a certificate, as most vendors' clients insist. */
export async function localServer(
  answer: (asked: Asked) => Answer | Promise<Answer>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<LocalServer> {
  const all: Asked[] = [];
  const faults: Answer[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    void received(request).then(async (one) => {
      all.push(one);
      const { status, headers, body } = faults.shift() ?? (await answer(one));
      const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(text);
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://${tls === undefined ? "127.0.0.1" : "localhost"}:${port}`,
    asked: all,
    faults,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
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
