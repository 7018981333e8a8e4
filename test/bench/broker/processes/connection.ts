import { once } from "node:events";
import { connect, type Socket } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");

/** One connection that asks the same thing again and again: little of the time measured is its own. */
export interface Connection extends Disposable {
  /** Calls back when the whole answer was read. Throws in the socket's handler at any but a 200. */
  ask(request: Buffer, done: () => void): void;
}

/** @param failed - Called once, when the connection broke or an answer was not what was asked for. */
export async function openConnection(
  port: number,
  failed: (error: Error) => void,
): Promise<Connection> {
  const socket = await openSocket(port);
  let head: Buffer = Buffer.alloc(0);
  let left = -1;
  let done = (): void => undefined;
  const take = (chunk: Buffer): void => {
    let body = chunk.length;
    if (left < 0) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end === -1) return;
      left = lengthIn(head.toString("latin1", 0, end));
      body = head.length - end - HEAD_END.length;
      head = Buffer.alloc(0);
    }
    left -= body;
    if (left > 0) return;
    left = -1;
    done();
  };
  socket.on("data", (chunk: Buffer) => {
    try {
      take(chunk);
    } catch (error) {
      failed(error as Error);
    }
  });
  socket.on("error", failed);
  return {
    ask(request, whenDone) {
      done = whenDone;
      socket.write(request);
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

function lengthIn(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (!head.startsWith("HTTP/1.1 200 ") || length === undefined)
    throw new Error(`answered ${head}`);
  return Number(length);
}
