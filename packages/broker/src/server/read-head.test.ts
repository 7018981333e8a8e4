import { expect, test } from "vitest";
import { sendRaw, setup } from "../../test/setup.ts";

/** Each is refused: `KEY` stands for a good one. */
const REFUSED: readonly (readonly [name: string, request: string])[] = [
  ["a second host", "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\nKEY\r\n\r\n"],
  ["no host", "GET /tickets/tickets/1 HTTP/1.1\r\nKEY\r\n\r\n"],
  ["a second key", "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nKEY\r\n\r\n"],
  [
    "two lengths",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
  ],
  [
    "two lengths in one",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Length: 1, 1\r\n\r\nx",
  ],
  [
    "a length with a sign",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Length: +1\r\n\r\nx",
  ],
  [
    "two content types",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Type: a/b\r\ncontent-type: c/d\r\nContent-Length: 1\r\n\r\nx",
  ],
  [
    "a length and chunks",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "chunks, in another encoding",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "an unknown transfer encoding",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nTransfer-Encoding: identity\r\n\r\n",
  ],
  [
    "chunks, twice",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "chunks in HTTP/1.0",
    "POST /tickets/uploads HTTP/1.0\r\nHost: a\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a body on GET",
    "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Length: 1\r\n\r\nx",
  ],
  [
    "chunks on GET",
    "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a body on HEAD",
    "HEAD /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nContent-Length: 1\r\n\r\nx",
  ],
  [
    "an upgrade",
    "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
  [
    "an upgrade nobody names",
    "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nUpgrade: h2c\r\n\r\n",
  ],
  ["CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nKEY\r\n\r\n"],
  ["an absolute target", "GET http://a/tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\n\r\n"],
  ["no path", "OPTIONS * HTTP/1.1\r\nHost: a\r\nKEY\r\n\r\n"],
  [
    "an expectation",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
  ],
  [
    "another expectation",
    "POST /tickets/uploads HTTP/1.1\r\nHost: a\r\nKEY\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx",
  ],
  [
    "a connection that names the key",
    "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nConnection: close, authorization\r\n\r\n",
  ],
  [
    "a connection of commas, which takes no time",
    `GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nConnection: ${", ".repeat(2000)}x\r\n\r\n`,
  ],
  ["a folded header", "GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nKEY\r\nX-A: b\r\n c\r\n\r\n"],
  ["a space before the colon", "GET /tickets/tickets/1 HTTP/1.1\r\nHost : a\r\nKEY\r\n\r\n"],
  ["a bare line feed", "GET /tickets/tickets/1 HTTP/1.1\nHost: a\nKEY\n\n"],
  ["HTTP/0.9", "GET /tickets/tickets/1\r\n\r\n"],
  ["HTTP/2.0 on a line", "GET /tickets/tickets/1 HTTP/2.0\r\nHost: a\r\nKEY\r\n\r\n"],
  ["a header that never ends", `GET /tickets/tickets/1 HTTP/1.1\r\nX: ${"a".repeat(40_000)}`],
];

test.each(REFUSED)("refused, and nothing is sent: %s", async (_name, text) => {
  await using s = await setup();
  const raw = text.replaceAll(
    "KEY",
    `Authorization: Bearer ${s.mint(["tickets:read", "tickets:write"])}`,
  );
  const answer = await sendRaw(s.url, raw);
  // Nothing at all is an answer too: the connection is closed.
  expect(answer).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/);
  expect((answer.match(/HTTP\/1\.1 /g) ?? []).length).toBeLessThanOrEqual(1);
  expect(s.upstream.seen).toEqual([]);
  await s.close();
  expect(s.of("request.allowed")).toEqual([]);
  expect(s.of("request.refused").length).toBeGreaterThan(0);
});

test("no header is too far behind to be seen", async () => {
  await using s = await setup({ broker: { limits: { headerBytes: 65_536 } } });
  const key = `Authorization: Bearer ${s.mint()}\r\n`;
  const many = "a:b\r\n".repeat(2_050);
  const head = `GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`;
  const good = await sendRaw(s.url, `${head}${key}${many}${many}\r\n`);
  expect(good).toMatch(/^HTTP\/1\.1 200 /);
  const twice = await sendRaw(s.url, `${head}${key}${many}${key}${many}\r\n`);
  expect(twice).toMatch(/^HTTP\/1\.1 400 /);
  expect(s.upstream.seen).toHaveLength(1);
});

test("the same key and framing, unambiguous, goes through", async () => {
  await using s = await setup();
  const key = `Authorization: Bearer ${s.mint(["tickets:read", "tickets:write"])}`;
  const answer = await sendRaw(
    s.url,
    `POST /tickets/uploads HTTP/1.1\r\nHost: a\r\n${key}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n` +
      `GET /tickets/tickets/1 HTTP/1.1\r\nHost: a\r\n${key}\r\nConnection: close\r\n\r\n`,
  );
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  expect(s.upstream.seen.map(({ method, body }) => [method, body])).toEqual([
    ["POST", "abc"],
    ["GET", ""],
  ]);
});

test("what is pipelined waits for the answer before it, however long that takes", async () => {
  await using s = await setup();
  const key = `Authorization: Bearer ${s.mint(["tickets:read", "tickets:write"])}`;
  const post = `POST /tickets/uploads HTTP/1.1\r\nHost: a\r\n${key}\r\nContent-Length: 3\r\n\r\nabc`;
  const get = (id: number): string =>
    `GET /tickets/tickets/${id} HTTP/1.1\r\nHost: a\r\n${key}\r\n${id === 9 ? "Connection: close\r\n" : ""}\r\n`;
  const ids = Array.from({ length: 10 }, (_, id) => id);
  const answer = await sendRaw(
    s.url,
    ids.map((id) => `${id === 9 ? "" : post}${get(id)}`).join(""),
  );
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(19);
  const expected = ids.flatMap((id) => [...(id === 9 ? [] : ["POST"]), `GET ${id}`]);
  const seen = s.upstream.seen.map(({ method, url }) =>
    method === "POST" ? method : `GET ${url.split("/").at(-1)}`,
  );
  expect(seen).toEqual(expected);
});

test("what is left of a refused body is never taken for the next request", async () => {
  await using s = await setup();
  const key = `Authorization: Bearer ${s.mint("tickets:read")}`;
  const hidden = `GET /tickets/tickets/hidden HTTP/1.1\r\nHost: a\r\n${key}\r\n\r\n`;
  const answer = await sendRaw(
    s.url,
    `POST /tickets/uploads HTTP/1.1\r\nHost: a\r\n${key}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(answer.toLowerCase()).toContain("connection: close");
  expect(s.upstream.seen).toEqual([]);
});

test("refusals before a key is known are counted, one line a second", async () => {
  await using s = await setup();
  for (let at = 0; at < 20; at += 1) {
    await s.ask("/tickets/tickets/1", { key: "no.good.key" });
  }
  await s.close();
  const lines = s.of("request.refused");
  expect(lines.length).toBeLessThanOrEqual(3);
  expect(lines.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(20);
  expect(lines[0]).toMatchObject({ code: "token_invalid", check: "claims" });
});
