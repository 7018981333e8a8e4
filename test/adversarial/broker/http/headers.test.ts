import { header, query } from "@agent-keys/broker";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sendBytes } from "./raw-client.ts";
import { allowed, came, openStand, refused, SECRET, type Stand } from "./stand.ts";

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand[Symbol.asyncDispose]());
let before = 0;
beforeEach(() => {
  stand.upstream.reset();
  before = allowed(stand).length;
});

const CLOSE = "Connection: close";

test.each([
  [
    "a connection that names the key",
    "GET /hub/a HTTP/1.1",
    ["Host: b", "KEY", "Connection: close, authorization"],
    "",
  ],
  [
    "a connection that names the length",
    "POST /hub/a HTTP/1.1",
    ["Host: b", "KEY", "Connection: content-length", "Content-Length: 1"],
    "x",
  ],
  ["two connections", "GET /hub/a HTTP/1.1", ["Host: b", "KEY", CLOSE, CLOSE], ""],
  ["two keys", "GET /hub/a HTTP/1.1", ["Host: b", "KEY", "KEY", CLOSE], ""],
  ["two hosts", "GET /hub/a HTTP/1.1", ["Host: b", "Host: c", "KEY", CLOSE], ""],
  ["no host", "GET /hub/a HTTP/1.1", ["KEY", CLOSE], ""],
  [
    "a length twice",
    "POST /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Content-Length: 1", "Content-Length: 1"],
    "x",
  ],
  [
    "a length and chunks",
    "POST /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Content-Length: 5", "Transfer-Encoding: chunked"],
    "0\r\n\r\n",
  ],
  [
    "chunks and a length",
    "POST /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Transfer-Encoding: chunked", "Content-Length: 5"],
    "0\r\n\r\n",
  ],
  ["a carriage return", "GET /hub/a HTTP/1.1", ["Host: b", "KEY", CLOSE, "X-A: b\rHost: c"], ""],
  ["a line feed", "GET /hub/a HTTP/1.1", ["Host: b", "KEY", CLOSE, "X-A: b\nHost: c"], ""],
  ["a folded line", "GET /hub/a HTTP/1.1", ["Host: b", "KEY", CLOSE, "X-A: b\r\n c"], ""],
  ["a body on GET", "GET /hub/a HTTP/1.1", ["Host: b", "KEY", CLOSE, "Content-Length: 1"], "x"],
  [
    "a body on HEAD",
    "HEAD /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Transfer-Encoding: chunked"],
    "1\r\nx\r\n0\r\n\r\n",
  ],
  [
    "chunks under HTTP/1.0",
    "POST /hub/a HTTP/1.0",
    ["Host: b", "KEY", CLOSE, "Transfer-Encoding: chunked"],
    "0\r\n\r\n",
  ],
  ["HTTP/0.9", "GET /hub/a", [], ""],
  ["HTTP/2", "PRI * HTTP/2.0", [], "SM\r\n\r\n"],
  [
    "an upgrade",
    "GET /hub/a HTTP/1.1",
    ["Host: b", "KEY", "Connection: upgrade", "Upgrade: websocket"],
    "",
  ],
  [
    "an upgrade to HTTP/2",
    "GET /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Upgrade: h2c", "HTTP2-Settings: AA"],
    "",
  ],
  ["CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1", ["Host: b", "KEY", CLOSE], ""],
  [
    "an expectation",
    "POST /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Expect: 100-continue", "Content-Length: 1"],
    "x",
  ],
  [
    "two content types",
    "POST /hub/a HTTP/1.1",
    ["Host: b", "KEY", CLOSE, "Content-Type: a/b", "Content-Type: c/d", "Content-Length: 1"],
    "x",
  ],
])("%s: 400, and nothing is sent", async (_what, line, lines, body) => {
  const key = `Authorization: Bearer ${stand.mint()}`;
  const text = [line, ...lines, "", body].join("\r\n").replaceAll("KEY", key);
  const answers = await sendBytes(stand.url, text);
  const { allowed: all, ...rest } = came(stand, answers);
  expect({ ...rest, allowed: all - before }).toEqual(refused(400, "request_invalid"));
  expect(answers.statuses).toHaveLength(1);
});

const OWN = [
  "Cookie: session=mine",
  "X-Api-Key: mine",
  "Api-Key: mine",
  "Proxy-Authorization: Basic bWluZQ==",
  "X-Auth-Token: mine",
  "Private-Token: mine",
  "X-Amz-Security-Token: mine",
  "X-Forwarded-For: mine",
  "X-Forwarded-Host: mine",
  "Forwarded: for=mine",
  "X-HTTP-Method-Override: mine",
  "X-Original-URL: /mine",
  "X-Rewrite-URL: /mine",
  "Via: mine",
  "Origin: mine",
  "Referer: http://mine",
  "Trailer: mine",
  "Content-Location: /mine",
];

test("of the caller's headers, no credential and nothing that redirects is sent", async () => {
  const key = stand.mint();
  expect(
    (await stand.ask("/hub/a?access_token=mine&Access_Token=mine&a=1", { key, headers: OWN }))
      .statuses,
  ).toEqual([200]);
  const bytes = Buffer.concat(stand.upstream.bytes).toString("latin1");
  expect(bytes).not.toContain("mine");
  expect(bytes).not.toContain(key);
  expect(stand.upstream.requests.map(({ target }) => target)).toEqual(["/a?a=1"]);
  expect(bytes.match(/^authorization: .*$/gim)).toEqual([`authorization: Bearer ${SECRET}`]);
});

test.each([
  [
    "query",
    query("api_key"),
    "?api_key=KEY&API_KEY=mine&api_key%5B%5D=mine&a=1",
    [],
    `/a?a=1&api_key=${encodeURIComponent(SECRET)}`,
  ],
  ["header", header("x-api-key"), "?a=1", ["X-Api-Key: KEY", "Cookie: mine"], "/a?a=1"],
])(
  "with the credential in a %s, it is the broker's alone",
  async (_where, credential, search, lines, target) => {
    await using other = await openStand({ service: { credential } });
    const key = other.mint();
    const headers = lines.map((line) => line.replace("KEY", key));
    const path = `/hub/a${search.replace("KEY", key)}`;
    expect((await other.ask(path, { key: "", headers })).statuses).toEqual([200]);
    const bytes = Buffer.concat(other.upstream.bytes).toString("latin1");
    expect([bytes.includes("mine"), bytes.includes(key)]).toEqual([false, false]);
    expect(other.upstream.requests.map((request) => request.target)).toEqual([target]);
  },
);
