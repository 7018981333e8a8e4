import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback that keeps what it was asked for. */
export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
  /** `GET /tickets/7`, once the head of the request was read. */
  readonly seen: string[];
}

const answerOk: RequestListener = (_request, response) => {
  response.end("ok");
};

export async function openUpstream(
  answer: RequestListener = answerOk,
  port = 0,
): Promise<Upstream> {
  const seen: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
