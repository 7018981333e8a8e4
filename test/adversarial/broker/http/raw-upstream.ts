import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { readStrictly, type StrictRequest } from "./strict-request.ts";

/** What an upstream answers: bytes as they are. */
export type RawAnswer = (request: StrictRequest) => string | Buffer;

/** A server on loopback that keeps every byte, and reads requests as strictly as can be. */
export interface RawUpstream extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  /** Whole requests, over all connections. */
  readonly requests: StrictRequest[];
  /** Requests whose head came, and of whose body not all. */
  readonly begun: { readonly method: string; readonly target: string }[];
  /** Why something could not be read in one way only. */
  readonly ambiguous: string[];
  /** Every byte of every connection. */
  readonly bytes: Buffer[];
  connections: number;
  /** Forgets what came so far. */
  reset(): void;
}

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export async function openRawUpstream(answer: RawAnswer = () => OK): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    upstream.connections += 1;
    let rest = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      const left = rest.length === 0 ? undefined : readStrictly(rest);
      if (left?.kind === "incomplete" && left.head !== undefined) upstream.begun.push(left.head);
    });
    socket.on("data", (chunk: Buffer) => {
      upstream.bytes.push(chunk);
      rest = Buffer.concat([rest, chunk]);
      while (rest.length > 0) {
        const reading = readStrictly(rest);
        if (reading.kind === "incomplete") return;
        if (reading.kind === "ambiguous") {
          upstream.ambiguous.push(reading.why);
          rest = Buffer.alloc(0);
          return void socket.destroy();
        }
        rest = rest.subarray(reading.end);
        upstream.requests.push(reading.request);
        socket.write(answer(reading.request));
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream: RawUpstream = {
    url: `http://${host}`,
    host,
    requests: [],
    begun: [],
    ambiguous: [],
    bytes: [],
    connections: 0,
    reset() {
      for (const list of [upstream.requests, upstream.begun, upstream.ambiguous, upstream.bytes]) {
        list.length = 0;
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
  return upstream;
}
