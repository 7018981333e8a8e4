import * as fc from "fast-check";

/** A request as it goes over the socket; `KEY` stands for a good key. */
export interface WrittenRequest {
  readonly head: string;
  readonly body: string;
}

const one = <T>(...texts: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...texts);
/** Mostly what is right: only a request that is nearly so gets far. */
const mostly = (right: fc.Arbitrary<string>, ...wrong: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: one(...wrong) });

const segment = one(
  "t1",
  "t2",
  "T1",
  "pub",
  "priv",
  "a",
  "7",
  "notes",
  "post",
  "files",
  "teams",
  "é",
);
const trick = one(
  "..",
  "%2e%2e",
  "%2E.",
  ".",
  "%2f",
  "%5c",
  "..%2f",
  "%252e%252e",
  "",
  ";x",
  "t1;t2",
  "%00",
  "%0d%0a",
  "t%31",
  "%c0%ae",
  "..;",
  "pub%2f..%2fpriv",
  "\\",
  "%7e",
);
const path = fc.oneof(
  {
    weight: 10,
    arbitrary: one(
      "/hub/teams/t1",
      "/hub/teams/t1/notes/7",
      "/hub/teams/t2/notes/7",
      "/hub/teams/t1/post",
      "/hub/teams/t2/post",
      "/hub/files/pub/a",
      "/hub/files/priv/a",
      "/hub/files/pub%2Fa",
      "/hub/uploads",
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        one("/hub", "/hub/teams", "/hub/teams/t1", "/hub/files", "/hub/files/pub", "//hub"),
        fc.array(fc.oneof(segment, trick), { minLength: 1, maxLength: 4 }),
      )
      .map(([base, rest]) => [base, ...rest].join("/")),
  },
  {
    weight: 1,
    arbitrary: one(
      "*",
      "",
      "hub/teams/t1",
      "http://broker/hub/teams/t1",
      "http://127.0.0.1/hub/teams/t1",
      "//broker/hub/teams/t1",
      "broker:80",
      "/HUB/teams/t1",
      "/hub@x/teams/t1",
      "/__proto__/teams/t1",
      "/hub/teams/t1#/../t2",
    ),
  },
);

const name = one(
  "page",
  "channel",
  "Channel",
  "channel[]",
  "chan%6eel",
  "team",
  "TEAM",
  "dry",
  "text",
  "x",
  "__proto__",
);
const value = one(
  "C1",
  "C2",
  "c1",
  "1",
  "",
  "C1%26channel=C2",
  "%00",
  "C1;channel=C2",
  "t2",
  "+",
  "%zz",
);
const pairs = fc.array(fc.tuple(name, value), { maxLength: 3 });
const written = pairs.map((list) => list.map(([key, text]) => `${key}=${text}`).join("&"));
const query = fc.oneof(
  { weight: 3, arbitrary: one("") },
  written.map((text) => `?${text}`),
);

const member = fc.tuple(
  one("channel", "Channel", "chan\\u006eel", "text", "team", "__proto__", "x"),
  one(
    '"C1"',
    '"C1"',
    '"C2"',
    '["C1"]',
    '["C1","C2"]',
    '"\\u00431"',
    "null",
    "1",
    '{"channel":"C2"}',
  ),
);
const json = fc.oneof(
  {
    weight: 4,
    arbitrary: one(
      '{"channel":"C1"}',
      '{"channel":"C1","text":"hi"}',
      '{"text":"C1","channel":"C2"}',
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .array(member, { maxLength: 3 })
      .map((list) => `{${list.map(([key, text]) => `"${key}":${text}`).join(",")}}`),
  },
  {
    weight: 1,
    arbitrary: one(
      '{"channel":"C1"} {"channel":"C2"}',
      "[1]",
      '{"channel":"C1"',
      "\ufeff{}",
      "null",
    ),
  },
);
const content = fc.oneof(
  json.map((text) => ({ type: "application/json", text })),
  written.map((text) => ({ type: "application/x-www-form-urlencoded", text })),
  fc
    .tuple(
      one("text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", ""),
      json,
    )
    .map(([type, text]) => ({ type, text })),
);

const HIDDEN = "GET /hub/teams/t2 HTTP/1.1\r\nHost: broker\r\nKEY\r\n\r\n";

/** A body, and the headers that frame it: rightly, or in one of the ways that servers differ on. */
interface Framed {
  readonly lines: readonly string[];
  readonly body: string;
}

function framings(text: string): fc.Arbitrary<Framed> {
  const size = Buffer.byteLength(text);
  const hex = size.toString(16);
  const whole = size === 0 ? "0\r\n\r\n" : `${hex}\r\n${text}\r\n0\r\n\r\n`;
  const chunked = "Transfer-Encoding: chunked";
  const length = `Content-Length: ${size}`;
  return fc.oneof(
    { weight: 14, arbitrary: one<Framed>({ lines: [length], body: text }) },
    { weight: 6, arbitrary: one<Framed>({ lines: [chunked], body: whole }) },
    {
      weight: 4,
      arbitrary: one<Framed>(
        { lines: [chunked], body: size === 0 ? whole : `${hex};a=b\r\n${text}\r\n0;x\r\n\r\n` },
        {
          lines: [chunked],
          body: whole.replace(/0\r\n\r\n$/, "0\r\nX-Trailer: 1\r\nContent-Length: 9\r\n\r\n"),
        },
        {
          lines: [chunked],
          body: whole.replace(/0\r\n\r\n$/, "0\r\nAuthorization: Bearer x\r\n\r\n"),
        },
        { lines: [chunked], body: whole.replaceAll("\r\n", "\n") },
        { lines: [chunked], body: `0x${whole}` },
        { lines: [chunked], body: `${hex}\r\n${text}XX0\r\n\r\n` },
        { lines: [chunked], body: `-1\r\n${text}\r\n0\r\n\r\n` },
        { lines: [chunked], body: `ffffffffffffffff1\r\n${text}\r\n0\r\n\r\n` },
        { lines: [length, chunked], body: whole },
        { lines: [chunked, "Content-Length: 0"], body: whole },
        { lines: [chunked, chunked], body: whole },
        { lines: ["Transfer-Encoding: Chunked"], body: whole },
        { lines: ["Transfer-Encoding: chunked, identity"], body: whole },
        { lines: ["Transfer-Encoding:\tchunked"], body: whole },
        { lines: ["Transfer-Encoding : chunked", length], body: text },
        { lines: ["Transfer-Encoding:", " chunked"], body: whole },
        { lines: [`X: y\n${chunked}`, length], body: text },
        { lines: [length, length], body: text },
        { lines: [`Content-Length: ${size}, ${size}`], body: text },
        { lines: [`Content-Length: +${size}`], body: text },
        { lines: [`Content-Length: 0${size}`], body: text },
        { lines: ["Content-Length: 0"], body: text + HIDDEN },
        { lines: [`content_length: ${size}`], body: text },
        { lines: [], body: HIDDEN },
        { lines: [length], body: text + HIDDEN },
        { lines: [chunked], body: whole + HIDDEN },
      ),
    },
  );
}

const OTHER_LINES = [
  "X-Any: 1",
  "Cookie: session=1",
  "X-Api-Key: mine",
  "Proxy-Authorization: Basic eDp5",
  "Connection: authorization",
  "Connection: keep-alive",
  "Host: other",
  "X-Forwarded-Host: other",
  "X-HTTP-Method-Override: DELETE",
  "X-Original-URL: /teams/t2",
  "Upgrade: h2c",
  "Expect: 100-continue",
  "Content-Encoding: gzip",
  "Authorization: Bearer other",
  "X-A: b\r\n folded",
  "X-A : b",
  "X-\0A: b",
  "X-A: b\rAuthorization: x",
  "X-A: b\nAuthorization: x",
  "NoColon",
  ": empty",
  "Accept: */*",
  "User-Agent: fuzz\x80\xff",
  "Range: bytes=0-1",
  "Trailer: Authorization",
  "TE: trailers",
  "__proto__: x",
  "constructor: x",
];

/** What the key allows, before something about it is changed. */
const GOOD: readonly (readonly [method: string, path: string, content: Content])[] = [
  ["GET", "/hub/teams/t1", { type: "", text: "" }],
  ["HEAD", "/hub/teams/t1/notes/7", { type: "", text: "" }],
  ["GET", "/hub/files/pub/a", { type: "", text: "" }],
  ["PUT", "/hub/files/pub%2Fa", { type: "text/plain", text: "hello" }],
  ["POST", "/hub/teams/t1/post", { type: "application/json", text: '{"channel":"C1"}' }],
  ["POST", "/hub/teams/t1/post", { type: "application/x-www-form-urlencoded", text: "channel=C1" }],
  ["POST", "/hub/uploads", { type: "application/octet-stream", text: "data" }],
];

interface Content {
  readonly type: string;
  readonly text: string;
}

const verb = one("GET", "GET", "HEAD", "POST", "POST", "PUT");
const oddVerb = one("DELETE", "get", "CONNECT", "TRACE", "PRI", "GET\t", "OPTIONS");
const keep = { weight: 5, arbitrary: fc.constant(undefined) };

/** Mostly one that the key allows, with this or that of another. */
const asked = fc
  .record({
    good: one(...GOOD),
    method: fc.oneof({ ...keep, weight: 12 }, verb, oddVerb),
    path: fc.oneof(keep, path),
    content: fc.oneof(keep, { weight: 3, arbitrary: content }),
  })
  .map(({ good, method, path: other, content: another }) => ({
    method: method ?? good[0],
    path: other ?? good[1],
    content: another ?? good[2],
  }));

const head = fc.record({
  version: mostly(one("HTTP/1.1"), "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", ""),
  host: mostly(
    one("Host: broker", "host:broker"),
    "Host: a\r\nHost: b",
    "X: y",
    "Host: evil.example@broker",
    "Host : b",
  ),
  key: mostly(
    one("KEY"),
    "X-Key: none",
    "KEY\r\nKEY",
    "authorization:Bearer none",
    "KEY\r\nX-Api-Key: other",
  ),
  others: fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>([]) },
    fc.subarray(OTHER_LINES, { maxLength: 2 }),
  ),
  end: mostly(one("\r\n", "\r\n"), "\n", "\r", "\r\n\r\n", " \r\n"),
});

/** A request: whatever its line, its headers, its body and its framing may be. */
const request: fc.Arbitrary<WrittenRequest> = fc
  .tuple(asked, query, head)
  .chain(([what, text, parts]) => {
    const { method, content: inside } = what;
    const { version, host, key, others, end } = parts;
    const none = { weight: 8, arbitrary: one<Framed>({ lines: [], body: "" }) };
    const bodiless = /^(?:GET|HEAD)/.test(method);
    const framed = bodiless ? fc.oneof(none, framings(inside.text)) : framings(inside.text);
    return framed.map(({ lines, body }) => {
      const typed =
        inside.type === "" || lines.length === 0 ? [] : [`Content-Type: ${inside.type}`];
      const all = [host, key, ...typed, ...lines, ...others].join(end);
      return { head: `${method} ${what.path}${text} ${version}${end}${all}${end}${end}`, body };
    });
  });

/** Some on one connection: at once, or one after the other with each cut in two. */
export const connections: fc.Arbitrary<{
  readonly requests: readonly WrittenRequest[];
  readonly cut: number | undefined;
}> = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 3 }),
  cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
});
