import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { openStream, setup } from "../../test/setup.ts";

test("a stop finishes the requests in flight, and takes no more", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using s = await setup({
    answer: (_request, response) => {
      asked.resolve();
      void answer.promise.then(() => response.end("whole"));
    },
  });
  const inFlight = s.ask("/tickets/tickets/1");
  await asked.promise;
  const closed = s.close();
  await expect(fetch(`${s.url}/healthz`)).rejects.toThrow("fetch failed");
  answer.resolve();
  const response = await inFlight;
  expect(await response.text()).toBe("whole");
  await closed;
  expect(s.of("request.completed")).toMatchObject([{ status: 200, bytes: 5 }]);
});

test("a stop finishes a request that is still on its way in", async () => {
  const reading = Promise.withResolvers<void>();
  const secret = Promise.withResolvers<{ readonly value: string }>();
  await using s = await setup({
    secret: {
      name: "slow",
      read: () => {
        reading.resolve();
        return secret.promise;
      },
    },
  });
  const inFlight = s.ask("/tickets/tickets/1");
  await reading.promise;
  const closed = s.close();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  secret.resolve({ value: "a-secret-1234" });
  expect((await inFlight).status).toBe(200);
  await closed;
});

test("a stop waits no longer than it may", async () => {
  await using s = await setup({
    broker: { limits: { stopMs: 200 } },
    answer: (_request, response) => {
      response.writeHead(200);
      response.write("x");
    },
  });
  const { response } = await openStream(s.url, "/tickets/tickets/1", s.mint());
  await once(response, "data");
  const broken = once(response, "error");
  await s.close();
  await broken;
  expect(s.of("request.completed")).toMatchObject([{ status: 200, bytes: 1 }]);
});

test("health needs no key; the services do", async () => {
  await using s = await setup();
  expect((await fetch(`${s.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${s.url}/.agent-keys/services`)).status).toBe(401);
  const services = await s.ask("/.agent-keys/services");
  expect(await services.json()).toEqual({
    services: [{ name: "tickets", baseUrl: s.upstream.url }],
  });
  const other = await s.ask("/.agent-keys/secrets");
  expect([other.status, other.headers.get("agent-keys-code")]).toEqual([404, "route_unknown"]);
  expect(s.upstream.seen).toEqual([]);
});

test("a thousand streams are held at a time", async () => {
  const open: (() => void)[] = [];
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: first\n\n");
      open.push(() => response.end("data: last\n\n"));
    },
  });
  const key = s.mint({ scope: "tickets:read", expiresIn: "5m" });
  const streams = await Promise.all(
    Array.from({ length: 1_000 }, () => openStream(s.url, "/tickets/tickets/1", key)),
  );
  expect(open).toHaveLength(1_000);
  const texts = streams.map(async ({ response }) => {
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return text;
  });
  for (const end of open) end();
  const all = await Promise.all(texts);
  expect(new Set(all)).toEqual(new Set(["data: first\n\ndata: last\n\n"]));
  await s.close();
  expect(s.of("request.completed")).toHaveLength(1_000);
}, 60_000);

test("each limit refuses with its code, and nothing is sent", async () => {
  await using s = await setup({
    broker: {
      limits: {
        headerBytes: 8_192,
        bodyBytes: 100,
        decidedBodyBytes: 50,
        concurrentRequests: 1,
        answerMs: 1_000,
      },
    },
    answer: (request, response) => {
      if (request.url !== "/tickets/slow") response.end();
    },
  });
  const code = async (response: Promise<Response>): Promise<unknown> => {
    const { status, headers } = await response;
    return [status, headers.get("agent-keys-code")];
  };
  const key = s.mint("tickets:write");
  const post = (body: string, type: string): Promise<Response> =>
    s.ask("/tickets/uploads", {
      method: "POST",
      key,
      body,
      headers: { "content-type": type },
    });
  const large = "a".repeat(101);
  expect(await code(post(large, "text/plain"))).toEqual([413, "request_too_large"]);
  const constrained = s.mint({ scope: "tickets:write", where: { queue: "a" } });
  const json = { method: "POST", headers: { "content-type": "application/json" } };
  expect(
    await code(
      s.ask("/tickets/tickets", {
        ...json,
        key: constrained,
        body: JSON.stringify({ queue: "a", title: "a".repeat(60) }),
      }),
    ),
  ).toEqual([413, "request_too_large"]);
  expect(
    await code(s.ask("/tickets/tickets/1", { headers: { "x-long": "a".repeat(9_000) } })),
  ).toEqual([413, "request_too_large"]);
  expect(s.upstream.seen).toEqual([]);
  const slow = code(s.ask("/tickets/tickets/slow"));
  await once(s.upstream.server, "request");
  expect(await code(s.ask("/tickets/tickets/1"))).toEqual([429, "limit_exceeded"]);
  expect(await slow).toEqual([504, "upstream_unavailable"]);
  expect(s.upstream.seen).toHaveLength(1);
});

test("a body that turns out too long is never whole upstream", async () => {
  await using s = await setup({ broker: { limits: { bodyBytes: 1_000 } } });
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(300));
    },
  });
  const init = { method: "POST", key: s.mint("tickets:write"), body, duplex: "half" as const };
  const response = await s.ask("/tickets/uploads", init).catch(() => undefined);
  expect(response?.headers.get("agent-keys-code") ?? "request_too_large").toBe("request_too_large");
  expect(s.upstream.seen).toEqual([]);
});

test("an upstream that reads slowly makes the sender wait", async () => {
  await using s = await setup();
  s.upstream.server.removeAllListeners("request");
  const paused = Promise.withResolvers<() => void>();
  let received = 0;
  s.upstream.server.on("request", (request, response) => {
    paused.resolve(() => {
      request.on("data", (chunk: Buffer) => (received += chunk.length));
      request.on("end", () => response.end("ok"));
    });
  });
  let sent = 0;
  const total = 512;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === total) return controller.close();
      sent += 1;
      controller.enqueue(new Uint8Array(64 * 1024));
    },
  });
  const init = { method: "POST", key: s.mint("tickets:write"), body, duplex: "half" as const };
  const answer = s.ask("/tickets/uploads", init);
  const go = await paused.promise;
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(total / 2);
  go();
  expect((await answer).status).toBe(200);
  expect(received).toBe(total * 64 * 1024);
});

test("a service at a private address is refused unless it says so", async () => {
  const connected: unknown[] = [];
  const server = createServer((socket) => connected.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"]) {
    await using s = await setup({
      service: { baseUrl: `https://${host}:${port}`, network: "public" },
    });
    const response = await s.ask("/tickets/tickets/1");
    expect([response.status, response.headers.get("agent-keys-code")]).toEqual([
      502,
      "upstream_unavailable",
    ]);
  }
  expect(connected).toEqual([]);
  server.close();
});
