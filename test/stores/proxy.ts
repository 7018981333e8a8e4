import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A way to a server on loopback that a test can cut. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections there are now. */
  readonly open: number;
  /** Ends every connection at once. */
  drop(): void;
  /** From now on nothing comes through, in either direction, and nobody is told: half open. */
  hold(): void;
  /** The next answer that contains this is not passed on: its connection ends instead. */
  loseAnswer(containing: string): void;
  /** Goes on as before; what was held is dropped. */
  heal(): void;
  /** Where new connections go to. */
  to(port: number): void;
}

export async function startProxy(port: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let target = port;
  let held = false;
  let lost: string | undefined;
  const drop = (): void => {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on("error", () => undefined);
      from.on("close", () => {
        pairs.delete(pair);
        to.destroy();
      });
      from.on("data", (chunk) => {
        if (from === far && lost !== undefined && chunk.includes(lost)) {
          lost = undefined;
          from.destroy();
        } else if (!held) to.write(chunk);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port was given");
  return {
    port: address.port,
    get open() {
      return pairs.size;
    },
    drop,
    hold() {
      held = true;
    },
    loseAnswer(containing) {
      lost = containing;
    },
    heal() {
      if (held) drop();
      held = false;
    },
    to(next) {
      target = next;
      drop();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      drop();
      await once(server, "close");
    },
  };
}
