import { readFileSync } from "node:fs";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Limits } from "../engine/limits.ts";
import { Refused, refusalAnswer } from "../engine/refusal.ts";
import { answerJson, openOwnRoutes, type OwnRoutes } from "./own-routes.ts";
import { readHead } from "./read-head.ts";

/** Paths of a certificate and its key, in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** What the server is made of. */
export interface ServerParts extends OwnRoutes {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly limits: Limits;
}

/** An HTTP/1.1 server that hands requests to the engine. */
export interface BrokerServer {
  /** @returns The port that it listens on. */
  listen(): Promise<number>;
  /** Takes no more connections, waits for the requests in flight, then ends the rest. */
  close(): Promise<void>;
}

/** From the connection to the end of a head: who says nothing holds a place. */
const HEADERS_MS = 10_000;
const CHECK_MS = 1_000;
const KEEP_ALIVE_MS = 30_000;

export function openServer(parts: ServerParts): BrokerServer {
  const { engine, limits, host, port } = parts;
  const server = createServer(parts);
  const serveOwn = openOwnRoutes(parts);
  /** The last that was begun on a connection. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  let stopping = false;

  /** What is pipelined must not overtake what it follows, at the upstream either (RFC 9112 §9.3.2). */
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const before = answers.get(socket);
    answers.set(socket, response);
    // Whatever goes wrong with a connection is told by its closing.
    response.on("error", ignore);
    if (before === undefined || before.closed) return serve(request, response);
    before.once("close", () => {
      if (!socket.destroyed) serve(request, response);
    });
  };

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (stopping) response.shouldKeepAlive = false;
    const head = readHead(request);
    if (head instanceof Refused) return engine.refuse(response, head, true);
    const { service, method, path, query, headers, hasBody, bodyBytes } = head;
    if (service === "healthz" && path === "/") {
      answerJson(response, stopping ? 503 : 200, { status: stopping ? "stopping" : "ok" });
    } else if (service === ".agent-keys") {
      void serveOwn(head, request, response);
    } else {
      const body = hasBody ? request : undefined;
      const incoming = { method, service, path, query, headers, body, bodyBytes };
      void engine.handle(incoming, response);
    }
  };

  /** What is no request at all, or one that takes the connection over. */
  const refuseRaw = (socket: Duplex, why: Refused): void => {
    engine.log.refusedUnverified(why);
    // In the middle of an answer it would be taken for a part of it.
    if (answers.get(socket)?.closed === false || !socket.writable) socket.destroy();
    else socket.end(rawAnswer(why), () => socket.destroy());
  };

  server.on("request", onRequest);
  // Not answered with "100 Continue": the head check refuses every Expect.
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    socket.on("error", ignore);
    refuseRaw(socket, new Refused("request_invalid", "head", { detail: "CONNECT" }));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
    refuseRaw(socket, new Refused(tooLarge ? "request_too_large" : "request_invalid", "head"));
  });
  server.maxConnections = limits.connections;
  // Beyond a count, Node drops headers without a word; the size bounds them already.
  server.maxHeadersCount = 0;

  return {
    async listen() {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve();
        });
      });
      return (server.address() as AddressInfo).port;
    },
    async close() {
      stopping = true;
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A connection that was busy when the server closed is kept open once it is idle.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_MS);
      const cut = setTimeout(() => engine.flights.cutAll(STOPPED), limits.stopMs);
      const force = setTimeout(() => server.closeAllConnections(), limits.stopMs + LINGER_MS);
      await closed;
      await engine.flights.empty();
      for (const timer of [idle, cut, force]) clearTimeout(timer);
    },
  };
}

const IDLE_MS = 20;
const LINGER_MS = 1_000;
const STOPPED = new Refused("upstream_unavailable", "stop", { status: 503 });

function createServer({ tls, limits }: ServerParts): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: Math.min(HEADERS_MS, limits.totalMs),
    // Node ends them only as often as it looks.
    connectionsCheckingInterval: CHECK_MS,
    requestTimeout: limits.totalMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    insecureHTTPParser: false,
    // The head check says so itself, and on the record.
    requireHostHeader: false,
    joinDuplicateHeaders: false,
  };
  if (tls === undefined) return createHttpServer(options);
  const files = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  const handshakeTimeout = HEADERS_MS;
  return createHttpsServer({ ...options, ...files, handshakeTimeout, minVersion: "TLSv1.2" });
}

function rawAnswer(why: Refused): string {
  const { status, headers, body } = refusalAnswer(why);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, "connection: close"];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

function ignore(): void {}
