import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { AGENT, ISSUER, openStream, setup } from "../../test/setup.ts";

const OTHER = "https://other.example";

async function codeOf(answer: Promise<Response>): Promise<unknown> {
  const response = await answer;
  await response.text();
  return [response.status, response.headers.get("agent-keys-code")];
}

test("an upstream that accepts no connection is given up, and nothing is sent", async () => {
  const sockets: Socket[] = [];
  // It takes what the system takes for it, and never answers a TLS greeting.
  const silent = createServer((socket) => sockets.push(socket.on("error", () => undefined)));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as { port: number };
  await using s = await setup({
    service: { baseUrl: `https://127.0.0.1:${port}` },
    broker: { limits: { connectMs: 300 } },
  });
  const key = s.mint({ scope: "tickets:read", uses: 1 });
  const startedMs = performance.now();
  const ask = (): Promise<unknown> => codeOf(s.ask("/tickets/tickets/1", { key }));
  expect(await ask()).toEqual([504, "upstream_unavailable"]);
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  // The use was given back.
  expect(await ask()).toEqual([504, "upstream_unavailable"]);
  expect(s.of("request.completed").map(({ status }) => status)).toEqual([0, 0]);
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("an answer that pauses for too long breaks off", async () => {
  await using s = await setup({
    broker: { limits: { idleMs: 1_000 } },
    answer: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    },
  });
  // Not cut because its key expires.
  const key = s.mint({ scope: "tickets:read", expiresIn: "5m" });
  const { response } = await openStream(s.url, "/tickets/tickets/1", key);
  await once(response, "data");
  const [error] = (await once(response, "error")) as [Error];
  expect(error.message).toBe("aborted");
  expect(response.complete).toBe(false);
  await s.close();
  expect(s.of("request.completed")).toMatchObject([{ status: 200, bytes: 9 }]);
});

test("a connection too many is closed at once, and another is taken when one has gone", async () => {
  await using s = await setup({ broker: { limits: { connections: 2 } } });
  const { hostname, port } = new URL(s.url);
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), hostname).on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  };
  const answered = async (socket: Socket): Promise<string> => {
    socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    const [data] = (await once(socket, "data")) as [Buffer];
    return data.toString().split("\r\n", 1)[0] ?? "";
  };
  const first = await open();
  const second = await open();
  expect([await answered(first), await answered(second)]).toEqual([
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 OK",
  ]);
  const third = await open();
  third.resume();
  await once(third, "close");
  expect(third.bytesRead).toBe(0);
  first.destroy();
  await once(first, "close");
  await expect
    .poll(async () => {
      const again = await open();
      const said = await Promise.race([answered(again), once(again, "close").then(() => "closed")]);
      again.destroy();
      return said;
    })
    .toBe("HTTP/1.1 200 OK");
  second.destroy();
});

test("a connection without a whole head is ended in time, and who talks is not", async () => {
  await using s = await setup({ broker: { limits: { totalMs: 1_500, connections: 4 } } });
  const { hostname, port } = new URL(s.url);
  const startedMs = performance.now();
  const ended = ["", "GET / HT", "GET /tickets/x HTTP/1.1\r\nHost: x\r\n"].map(async (text) => {
    const socket = connect(Number(port), hostname).on("error", () => undefined);
    socket.resume();
    if (text !== "") socket.write(text);
    await once(socket, "close");
  });
  const talks = connect(Number(port), hostname).on("error", () => undefined);
  talks.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(talks, "data");
  await Promise.all(ended);
  const tookMs = performance.now() - startedMs;
  expect(tookMs).toBeGreaterThan(1_000);
  // Not at Node's own pace, which is half a minute.
  expect(tookMs).toBeLessThan(8_000);
  talks.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(talks, "data");
  talks.destroy();
  expect(await codeOf(s.ask("/tickets/tickets/1"))).toEqual([200, null]);
});

test("as many requests at a time are each issuer's own", async () => {
  const from = await setup();
  const registered = { jwks: from.keys.jwks(), agents: [AGENT], policy: "allow-all" } as const;
  await from[Symbol.asyncDispose]();
  const held: (() => void)[] = [];
  await using s = await setup({
    broker: {
      issuers: { [ISSUER]: registered, [OTHER]: registered },
      limits: { concurrentRequests: 2 },
    },
    keys: { signingKey: from.privateKey },
    answer: (request, response) => {
      if (request.url === "/tickets/held") held.push(() => response.end("{}"));
      else response.end("{}");
    },
  });
  await using t = await setup({
    keys: { signingKey: from.privateKey, issuer: OTHER, audience: s.url },
  });
  const waiting = [1, 2].map(() => codeOf(s.ask("/tickets/tickets/held")));
  await expect.poll(() => held.length).toBe(2);
  // More keys of one issuer are no more room for it.
  expect(await codeOf(s.ask("/tickets/tickets/1"))).toEqual([429, "limit_exceeded"]);
  const theirs = t.mint();
  expect(await codeOf(s.ask("/tickets/tickets/1", { key: theirs }))).toEqual([200, null]);
  for (const end of held) end();
  expect(await Promise.all(waiting)).toEqual([
    [200, null],
    [200, null],
  ]);
  expect(await codeOf(s.ask("/tickets/tickets/1"))).toEqual([200, null]);
  expect(s.upstream.seen).toHaveLength(4);
});
