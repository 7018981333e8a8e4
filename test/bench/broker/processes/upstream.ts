// The upstream that everything is proxied to.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DOWNLOAD_BYTES, HELD_PATH, PIECE_EVERY_MS, PIECES, REQUESTS } from "../workload.ts";
import { answer } from "./answer.ts";

const FILE = Buffer.from(randomBytes(DOWNLOAD_BYTES).toString("base64").slice(0, DOWNLOAD_BYTES));
const ISSUE = Buffer.from(
  JSON.stringify({
    number: 1042,
    title: "It does not start",
    labels: ["bug"],
    body: "x".repeat(400),
  }),
);
const held = new Set<ServerResponse>();

const server = createServer((request, response) => {
  const { method, url = "" } = request;
  if (method === "POST") {
    request.resume();
    request.once("end", () => send(response, "application/json", ISSUE));
  } else if (url === REQUESTS.stream.path) {
    stream(response);
  } else if (url === HELD_PATH) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(piece());
    held.add(response);
    response.once("close", () => held.delete(response));
  } else if (url === REQUESTS.download.path) {
    send(response, "application/octet-stream", FILE);
  } else {
    send(response, "application/json", ISSUE);
  }
});
// Nobody's connection is closed while the others have their turn.
server.keepAliveTimeout = 600_000;

function send(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { "content-type": type, "content-length": body.length });
  response.end(body);
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(piece());
    sent += 1;
    if (sent < PIECES) return;
    clearInterval(timer);
    response.end();
  }, PIECE_EVERY_MS);
}

/** Says when it was sent, on the clock that all processes of a machine share. */
function piece(): string {
  return `data: {"at":"${process.hrtime.bigint()}","delta":"${"w".repeat(60)}"}\n\n`;
}

answer({
  async open() {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  held: () => held.size,
  /** A piece to each stream that is held. */
  tick() {
    for (const response of held) response.write(piece());
  },
});
