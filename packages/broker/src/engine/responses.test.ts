import { once } from "node:events";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { openStream, SECRET, secretOf, sendRaw, setup } from "../../test/setup.ts";
import { signed } from "../service/credential.ts";

const LEAK = `{"token":"${SECRET}","b64":"${Buffer.from(`x:${SECRET}`).toString("base64")}"}`;

test.each([
  ["gzip", gzipSync],
  ["x-gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
])(
  "a reflected secret is masked, also when the upstream answers in %s",
  async (encoding, encode) => {
    await using s = await setup({
      answer: (_request, response) => {
        const body = encode(Buffer.from(LEAK));
        response.writeHead(200, { "content-encoding": encoding, "content-length": body.length });
        response.end(body);
      },
    });
    const response = await s.ask("/tickets/tickets/1");
    const text = await response.text();
    expect(text).toHaveLength(LEAK.length);
    expect(text).not.toContain("c4n4ry");
    expect(text).not.toContain(Buffer.from(SECRET.slice(6, 20)).toString("base64").slice(4, 12));
    expect(response.headers.get("content-encoding")).toBeNull();
  },
);

test("an encoding that cannot be read is not passed on", async () => {
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200, { "content-encoding": "compress" });
      response.end("whatever");
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  expect(response.status).toBe(502);
  expect(response.headers.get("agent-keys-code")).toBe("upstream_unavailable");
});

test("an encoded answer that breaks off does not end as if it were whole", async () => {
  await using s = await setup({
    answer: (_request, response) => {
      const body = gzipSync(Buffer.alloc(100_000, "a")).subarray(0, 100);
      response.writeHead(200, { "content-encoding": "gzip", "content-length": body.length });
      response.end(body);
    },
  });
  await expect(s.ask("/tickets/tickets/1").then((response) => response.text())).rejects.toThrow(
    "terminated",
  );
});

test("a secret is masked in header values, cut over chunks, and the length stays", async () => {
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200, {
        "content-length": SECRET.length * 2,
        "x-echo": `Bearer ${SECRET}`,
        "x-url": `/?k=${encodeURIComponent(SECRET)}`,
      });
      response.write(SECRET.slice(0, 9));
      setImmediate(() => {
        response.write(SECRET.slice(9) + SECRET.slice(0, 20));
        setImmediate(() => response.end(SECRET.slice(20)));
      });
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  expect(await response.text()).toBe("*".repeat(SECRET.length * 2));
  expect(response.headers.get("content-length")).toBe(String(SECRET.length * 2));
  expect(response.headers.get("x-echo")).toBe(`Bearer ${"*".repeat(SECRET.length)}`);
  expect(response.headers.get("x-url")).toMatch(/^\/\?k=\*+$/);
});

test("connection headers, cookies and what speaks for the broker are stripped; links are rewritten", async () => {
  await using s = await setup({
    answer: (request, response) => {
      const base = `http://${request.headers.host ?? ""}`;
      response.writeHead(302, {
        connection: "close, x-hop",
        "x-hop": "1",
        "keep-alive": "timeout=5",
        "set-cookie": ["a=1", "b=2"],
        "agent-keys-code": "key_expired",
        "proxy-authenticate": "Basic",
        "alt-svc": 'h3=":1"',
        location: `${base}/tickets/2?x=1`,
        "x-own": `${base}/tickets/2`,
        link: `<${base}/tickets?page=2>; rel="next"`,
        etag: '"1"',
      });
      response.end();
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  const { port } = new URL(s.upstream.url);
  expect(response.status).toBe(302);
  const headers = Object.fromEntries(response.headers);
  expect(headers).toMatchObject({
    location: `${s.url}/tickets/tickets/2?x=1`,
    link: `<${s.url}/tickets/tickets?page=2>; rel="next"`,
    "x-own": `http://127.0.0.1:${port}/tickets/2`,
    etag: '"1"',
  });
  for (const name of ["x-hop", "set-cookie", "agent-keys-code", "proxy-authenticate", "alt-svc"]) {
    expect(headers).not.toHaveProperty(name);
  }
  expect(s.upstream.seen).toHaveLength(1);
});

test("an upstream that breaks off breaks the answer off", async () => {
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200);
      response.write("half", () => response.destroy());
    },
  });
  await expect(s.ask("/tickets/tickets/1").then((response) => response.text())).rejects.toThrow(
    "terminated",
  );
  await s.close();
  expect(s.of("request.completed")).toMatchObject([{ status: 200, bytes: 4 }]);
});

test("a client that goes away ends the request upstream", async () => {
  const gone = Promise.withResolvers<void>();
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200);
      response.write("first");
      response.on("close", () => gone.resolve());
    },
  });
  const { response, close } = await openStream(s.url, "/tickets/tickets/1", s.mint());
  await once(response, "data");
  response.on("error", () => undefined);
  close();
  await gone.promise;
  await s.close();
  expect(s.of("request.completed")).toMatchObject([{ status: 200, bytes: 5 }]);
});

test("a reader that is slow makes the upstream wait", async () => {
  const chunk = Buffer.alloc(64 * 1024, "a");
  const chunks = 1024;
  let sent = 0;
  await using s = await setup({
    answer: (_request, response) => {
      const pump = (): void => {
        for (;;) {
          if (sent === chunks) return void response.end();
          sent += 1;
          if (!response.write(chunk)) return void response.once("drain", pump);
        }
      };
      response.writeHead(200);
      pump();
    },
  });
  const { response } = await openStream(s.url, "/tickets/tickets/1", s.mint());
  // Nothing is read until the upstream has stopped by itself.
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(chunks / 2);
  let bytes = 0;
  for await (const part of response) bytes += (part as Buffer).length;
  expect(bytes).toBe(chunks * chunk.length);
});

test("HEAD has the length and no body; 204 has neither", async () => {
  await using s = await setup({
    answer: (request, response) => {
      if (request.method === "HEAD") response.writeHead(200, { "content-length": 99 });
      else response.writeHead(204);
      response.end();
    },
  });
  const head = await s.ask("/tickets/tickets/1", { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
    200,
    "99",
    "",
  ]);
  const none = await s.ask("/tickets/tickets/1");
  expect([none.status, await none.text()]).toEqual([204, ""]);
});

test("of a 204 no length is passed on, of a 304 its own", async () => {
  await using s = await setup({
    answer: (request, response) => {
      const status = Number(request.url?.slice(-3));
      response.writeHead(status, { "content-length": status === 204 ? 0 : 99, etag: '"1"' }).end();
    },
  });
  const key = s.mint({ scope: "tickets:read", where: { ticketId: { prefix: "" } } });
  const raw = async (status: number): Promise<string> => {
    const { hostname, port } = new URL(s.url);
    const request = `GET /tickets/tickets/${status} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\n\r\n`;
    return (await sendRaw(s.url, request)).toLowerCase();
  };
  const empty = await raw(204);
  expect(empty).toMatch(/^http\/1\.1 204 /);
  expect(empty).not.toMatch(/content-length|transfer-encoding/);
  const unchanged = await raw(304);
  expect(unchanged).toMatch(/^http\/1\.1 304 /);
  expect(unchanged).toContain("content-length: 99");
  expect(unchanged.endsWith("\r\n\r\n")).toBe(true);
});

test("a secret that a link hides until it is resolved is masked, and one that it shows", async () => {
  await using s = await setup({
    secret: secretOf("a/secret/of-several/parts"),
    answer: (_request, response) => {
      response.writeHead(302, {
        location: "/x/a/./secret/b/../of-several/%2e/parts",
        link: '</x/a\\secret\\of-several/parts>; rel="x", </a/secret/of-several/parts/../../y>',
      });
      response.end();
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  const { location, link } = Object.fromEntries(response.headers);
  expect(location).toBe(`${s.url}/tickets/x/${"*".repeat(25)}`);
  expect(link).not.toContain("several");
  expect(link).toMatch(/\/x\/\*{25}>; rel="x"/);
});

test("a secret that clients make whole by leaving out a TAB is masked in every header of URLs", async () => {
  await using s = await setup({
    secret: secretOf("whole-in-a-client"),
    answer: (_request, response) => {
      const url = "https://elsewhere.example/?x=who\tle-in-\ta-client";
      response.writeHead(201, {
        location: url,
        "content-location": url,
        link: `<${url}>;\trel=next`,
        refresh: `5;\turl=${url}`,
        "x-text": "a\tb",
      });
      response.end();
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  const masked = `https://elsewhere.example/?x=${"*".repeat(17)}`;
  expect(Object.fromEntries(response.headers)).toMatchObject({
    location: masked,
    "content-location": masked,
    link: `<${masked}>;rel=next`,
    refresh: `5;url=${masked}`,
    "x-text": "a\tb",
  });
});

test("a secret that clients make whole by taking a backslash for a slash is masked", async () => {
  await using s = await setup({
    secret: secretOf("c2xhc2g/aW4/YmV0d2Vlbg"),
    answer: (_request, response) => {
      const url = "https://elsewhere.example/x/c2xhc2g\\aW4/YmV0d2Vlbg";
      response.writeHead(201, {
        location: url,
        "content-location": url,
        link: `<${url}>; rel=next; title="a\\"b"`,
        refresh: `5; url=${url}`,
      });
      response.end();
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  const headers = Object.fromEntries(response.headers);
  const masked = `https://elsewhere.example/x/${"*".repeat(22)}`;
  expect(headers).toMatchObject({
    location: masked,
    "content-location": masked,
    link: `<${masked}>; rel=next; title="a\\"b"`,
    refresh: `5; url=${masked}`,
  });
});

test("what a signing function made is masked in the answer, whole and in part, and no date is", async () => {
  const signature = "c2lnbmF0dXJlLW9mLXRoaXMtcmVxdWVzdA==";
  await using s = await setup({
    service: {
      credential: signed(() => ({
        "X-Sign": `v1 Credential=abc, Signature=${signature}`,
        "X-Time": "20261124T022735Z",
      })),
    },
    answer: (request, response) => {
      const value = String(request.headers["x-sign"]);
      response.end(
        `${value}|${signature.replaceAll("=", "%3D")}|${String(request.headers["x-time"])}`,
      );
    },
  });
  const [whole = "", part = "", time] = (await (await s.ask("/tickets/tickets/1")).text()).split(
    "|",
  );
  expect([/^\*+$/.test(whole), /^\*+$/.test(part), time]).toEqual([true, true, "20261124T022735Z"]);
});

test("a secret that was replaced is read again once, and the request sent again", async () => {
  await using s = await setup({
    secret: secretOf("old-secret-1234", SECRET),
    answer: (request, response) => {
      const good = request.headers.authorization === `Bearer ${SECRET}`;
      response.writeHead(good ? 200 : 401).end(good ? SECRET : "no");
    },
  });
  const response = await s.ask("/tickets/tickets", {
    method: "POST",
    key: s.mint({ scope: "tickets:write", where: { queue: "a" } }),
    headers: { "content-type": "application/json" },
    body: '{"title":"t","queue":"a"}',
  });
  expect([response.status, await response.text()]).toEqual([200, "*".repeat(SECRET.length)]);
  expect(s.upstream.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { title: "t", queue: "a" },
    { title: "t", queue: "a" },
  ]);
  await s.close();
  expect(s.of("request.allowed")).toHaveLength(1);
  expect(s.of("request.completed")).toMatchObject([{ status: 200 }]);
});

test("a 401 with the only secret there is is passed on as it is", async () => {
  await using s = await setup({
    answer: (_request, response) => response.writeHead(401).end("upstream says no"),
  });
  const response = await s.ask("/tickets/tickets/1");
  expect([response.status, await response.text()]).toEqual([401, "upstream says no"]);
  expect(s.upstream.seen).toHaveLength(1);
});

test("a body that was streamed is not sent again", async () => {
  await using s = await setup({
    secret: secretOf("old-secret-1234", SECRET),
    answer: (_request, response) => response.writeHead(401).end("no"),
  });
  const key = s.mint("tickets:write");
  const response = await s.ask("/tickets/uploads", { method: "POST", key, body: "raw" });
  expect(response.status).toBe(401);
  expect(s.upstream.seen).toHaveLength(1);
});

test("the head of an answer does not wait for its body", async () => {
  let body: (() => void) | undefined;
  await using s = await setup({
    answer: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      body = () => response.end("data: 1\n\n");
    },
  });
  const response = await s.ask("/tickets/tickets/1");
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  body?.();
  expect(await response.text()).toBe("data: 1\n\n");
});
