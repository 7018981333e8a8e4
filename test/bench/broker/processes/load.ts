// Who asks: everything on bare sockets, so that it is not what is measured.
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type AgentKeys, createAgentKeys } from "@agent-keys/core";
import type { LoadSetup } from "../contestants.ts";
import {
  AGENT,
  type Batch,
  type BatchResult,
  GRANTS,
  HELD_PATH,
  ISSUER,
  type Kind,
  PIECES,
  REQUESTS,
} from "../workload.ts";
import { answer } from "./answer.ts";
import { openConnection, openSocket } from "./connection.ts";
import { onPieces } from "./event-stream.ts";

const FRESH_LIFE_SECONDS = 10;
const LIFE_SECONDS = 15 * 60;

let keys: AgentKeys;
const tokens = new Map<Kind, string>();
let go = async (): Promise<BatchResult> => Promise.reject(new Error("nothing is ready"));
const held: Socket[] = [];
let pieces = 0;
let onPiece = (): void => undefined;

answer({
  open({ jwk, audience }: LoadSetup) {
    keys = createAgentKeys({
      agent: AGENT,
      issuer: ISSUER,
      policy: "allow-all",
      audience,
      signingKey: createPrivateKey({ key: jwk, format: "jwk" }),
      audit: () => undefined,
    });
  },
  async prepare(batch: Batch) {
    go = await (batch.kind === "stream" ? prepareStream(batch) : prepareBatch(batch));
  },
  run: () => go(),
  /** Many requests with one key, every tenth with one of its own that is soon gone. */
  async soak(batch: Batch) {
    const one = requestOf(batch, tokenFor(batch.kind, LIFE_SECONDS));
    const run = await runner(batch, (request) =>
      request % 10 === 9 ? requestOf(batch, mint(batch.kind, FRESH_LIFE_SECONDS)) : one,
    );
    return await run();
  },
  async hold({ port, prefix, requests }: Batch) {
    const bytes = Buffer.from(
      head("GET", `${prefix}${HELD_PATH}`, tokenFor("stream", LIFE_SECONDS)),
    );
    for (let at = 0; at < requests; at += 1) {
      const socket = await openSocket(port);
      const first = once(socket, "data");
      onPieces(socket, () => {
        pieces += 1;
        onPiece();
      });
      socket.write(bytes);
      await first;
      held.push(socket);
    }
    pieces = 0;
  },
  /** How many pieces came, of as many as there are streams, in five seconds. */
  async awaitPieces() {
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 5_000);
      onPiece = () => {
        if (pieces < held.length) return;
        clearTimeout(timer);
        resolve();
      };
      onPiece();
    });
    const came = pieces;
    pieces = 0;
    return { came, ms: performance.now() - startMs };
  },
  letGo() {
    for (const socket of held.splice(0)) socket.destroy();
  },
});

function mint(kind: Kind, expiresIn: number): string {
  const key = keys.mint({ ...GRANTS[kind], expiresIn });
  const { token } = key;
  key.close();
  return token;
}

/** The one key of a kind. */
function tokenFor(kind: Kind, expiresIn: number): string {
  const token = tokens.get(kind) ?? mint(kind, expiresIn);
  tokens.set(kind, token);
  return token;
}

function head(method: string, path: string, token: string, more = ""): string {
  return (
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n` +
    `accept: application/json\r\nuser-agent: bench/1\r\n${more}\r\n`
  );
}

function requestOf({ kind, prefix }: Batch, token: string): Buffer {
  const { method, path, body } = REQUESTS[kind];
  const more =
    body === "" ? "" : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return Buffer.from(head(method, `${prefix}${path}`, token, more) + body);
}

/** Connects, and asks once on every connection, so that all of them are open up to the upstream. */
async function prepareBatch(batch: Batch): Promise<() => Promise<BatchResult>> {
  const one = requestOf(batch, tokenFor(batch.kind, LIFE_SECONDS));
  if (batch.keys === "one") return await runner(batch, () => one);
  const fresh = Array.from({ length: batch.requests + batch.atOnce }, () =>
    requestOf(batch, mint(batch.kind, LIFE_SECONDS)),
  );
  return await runner(batch, () => fresh.pop() ?? one);
}

async function runner(
  { port, requests, atOnce }: Batch,
  next: (request: number) => Buffer,
): Promise<() => Promise<BatchResult>> {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const connections = await Promise.all(
    Array.from({ length: atOnce }, () => openConnection(port, broken.reject)),
  );
  const askEach = connections.map(
    (connection) => new Promise<void>((resolve) => connection.ask(next(0), resolve)),
  );
  await Promise.race([Promise.all(askEach), broken.promise]);
  return async () => {
    const latenciesMs: number[] = [];
    const startMs = performance.now();
    let started = 0;
    const all = new Promise<void>((resolve) => {
      for (const connection of connections) {
        const again = (): void => {
          if (started === requests) return;
          const askedMs = performance.now();
          started += 1;
          connection.ask(next(started), () => {
            latenciesMs.push(performance.now() - askedMs);
            if (latenciesMs.length === requests) resolve();
            else again();
          });
        };
        again();
      }
    });
    await Promise.race([all, broken.promise]);
    const seconds = (performance.now() - startMs) / 1000;
    for (const connection of connections) connection[Symbol.dispose]();
    return { seconds, latenciesMs };
  };
}

/** Streams one after the other. */
async function prepareStream(batch: Batch): Promise<() => Promise<BatchResult>> {
  const one = tokenFor("stream", LIFE_SECONDS);
  const bytes = Array.from({ length: batch.requests }, () =>
    requestOf(batch, batch.keys === "one" ? one : mint("stream", LIFE_SECONDS)),
  );
  return async () => {
    const latenciesMs: number[] = [];
    const startMs = performance.now();
    for (const request of bytes) {
      const socket = await openSocket(batch.port);
      const pieces = Promise.withResolvers<void>();
      const wanted = latenciesMs.length + PIECES;
      onPieces(socket, (lagMs) => {
        if (latenciesMs.push(lagMs) === wanted) pieces.resolve();
      });
      socket.once("error", pieces.reject);
      socket.write(request);
      await pieces.promise;
      socket.destroy();
    }
    return { seconds: (performance.now() - startMs) / 1000, latenciesMs };
  };
}
