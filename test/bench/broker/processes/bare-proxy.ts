// The least that a proxy can do: node:http and Pool.dispatch, no checks; on request two chained lines
// on a file for each request, and one Ed25519 verify.
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Dispatcher, Pool } from "undici";
import { type LineFile, openLineFile } from "../../floors.ts";
import type { BareOptions } from "../contestants.ts";
import { answer } from "./answer.ts";

const PER_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding", "host"]);

answer({
  async open({ upstream, lines, jwk }: BareOptions) {
    const pool = new Pool(upstream, { connections: null, pipelining: 1 });
    const record = lines && { ...lines, file: openLineFile(lines.path) };
    const key = jwk && createPublicKey({ key: jwk, format: "jwk" });
    const server = createServer((request, response) => {
      if (key !== undefined && !isSigned(request, key)) {
        response.writeHead(401).end();
        return;
      }
      record?.file.write(record.before);
      pool.dispatch(sending(request), passing(response, record));
    });
    server.keepAliveTimeout = 600_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
});

/** Nothing but the signature. */
function isSigned({ headers }: IncomingMessage, key: KeyObject): boolean {
  const token = headers.authorization?.slice("Bearer ".length) ?? "";
  const dot = token.lastIndexOf(".");
  const signature = Buffer.from(token.slice(dot + 1), "base64url");
  return verify(null, Buffer.from(token.slice(0, dot)), key, signature);
}

function sending(request: IncomingMessage): Dispatcher.DispatchOptions {
  const { rawHeaders, method = "GET", url = "/" } = request;
  const headers: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!PER_CONNECTION.has(name.toLowerCase())) headers.push(name, value);
  }
  const body = method === "GET" ? null : request;
  return { path: url, method, headers, body };
}

function passing(
  response: ServerResponse,
  record: { readonly file: LineFile; readonly after: object } | undefined,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart() {},
    onResponseStart(_controller, status, headers) {
      const list: string[] = [];
      for (const name in headers) {
        const value = headers[name];
        if (typeof value === "string" && !PER_CONNECTION.has(name)) list.push(name, value);
      }
      response.writeHead(status, list);
    },
    onResponseData(controller, chunk) {
      if (response.write(chunk)) return;
      controller.pause();
      response.once("drain", () => controller.resume());
    },
    onResponseEnd() {
      record?.file.write(record.after);
      response.end();
    },
    onResponseError() {
      response.destroy();
    },
  };
}
