import { once } from "node:events";
import {
  type Agent,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
} from "node:http";

/** Answers with an event at once and one every 20 ms, and never ends by itself. */
export const endless: RequestListener = (_request, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("data: 0\n\n");
  const timer = setInterval(() => response.write("data: 1\n\n"), 20);
  response.once("close", () => clearInterval(timer));
};

/** A stream that has begun. */
export interface Stream {
  /** How it ended: `"cut"` in the middle, or whole; and when, on the monotonic clock. */
  readonly ended: Promise<{ readonly how: "cut" | "whole"; readonly atMs: number }>;
  /** How many pieces have come. */
  readonly pieces: () => number;
  readonly close: () => void;
}

export async function openStream(url: string, token: string, agent?: Agent): Promise<Stream> {
  const request = httpRequest(`${url}/tickets/tickets/stream`, {
    agent: agent ?? false,
    headers: { authorization: `Bearer ${token}` },
  });
  request.on("error", () => undefined);
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`no stream, but ${response.statusCode}`);
  let pieces = 0;
  response.on("data", () => {
    pieces += 1;
  });
  response.on("error", () => undefined);
  const ended = new Promise<Awaited<Stream["ended"]>>((resolve) => {
    response.once("close", () =>
      resolve({ how: response.complete ? "whole" : "cut", atMs: performance.now() }),
    );
  });
  return { ended, pieces: () => pieces, close: () => void request.destroy() };
}
