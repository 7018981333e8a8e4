import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { allowed, came, openStand, refused, type Stand } from "./stand.ts";

const MEMBERS = { channel: "string", text: "string" } as const;
const SCOPES = {
  post: [{ route: "POST /post", json: MEMBERS, form: MEMBERS }],
  raw: ["POST /raw/:room"],
} as const;

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ service: { scopes: SCOPES, foreignCredentials: ["token"] } });
});
afterAll(() => stand[Symbol.asyncDispose]());
let before = 0;
beforeEach(() => {
  stand.upstream.reset();
  before = allowed(stand).length;
});

const JSON_TYPE = "Content-Type: application/json";
const FORM_TYPE = "Content-Type: application/x-www-form-urlencoded";
const INVALID = refused(400, "request_invalid");
const OUTSIDE = refused(403, "constraint_failed");
const C1 = '{"channel":"C1"}';
const FAR = `{"text":"${"x".repeat(16 * 1024)}","channel":"C2"}`;

const post = (headers: readonly string[], body: string | Buffer, path = "/hub/post") =>
  stand.ask(path, {
    method: "POST",
    key: stand.mint([
      { scope: "hub:post", where: { channel: "C1" } },
      { scope: "hub:raw", where: { room: "r1" } },
    ]),
    headers,
    body,
  });

test.each([
  ["another value", [JSON_TYPE], '{"channel":"C2"}', OUTSIDE],
  ["no value", [JSON_TYPE], '{"text":"C1"}', OUTSIDE],
  ["an empty list", [JSON_TYPE], '{"channel":[]}', OUTSIDE],
  ["a list with another", [JSON_TYPE], '{"channel":["C1","C2"]}', OUTSIDE],
  ["an object for a text", [JSON_TYPE], '{"channel":{"$eq":"C1"}}', OUTSIDE],
  ["a name twice, the first good", [JSON_TYPE], '{"channel":"C1","channel":"C2"}', INVALID],
  ["a name twice, the last good", [JSON_TYPE], '{"channel":"C2","channel":"C1"}', INVALID],
  ["a name twice, escaped", [JSON_TYPE], String.raw`{"channel":"C1","chan\u006eel":"C2"}`, INVALID],
  ["a name twice, further in", [JSON_TYPE], '{"channel":"C1","text":{"a":1,"a":2}}', INVALID],
  ["a name in other case", [JSON_TYPE], '{"channel":"C1","Channel":"C2"}', INVALID],
  ["a name as a list's", [JSON_TYPE], '{"channel":"C1","channel[]":"C2"}', INVALID],
  ["in compatibility letters", [JSON_TYPE], '{"channel":"C1","ｃhannel":"C2"}', INVALID],
  ["in the prototype", [JSON_TYPE], '{"__proto__":{"channel":"C1"}}', OUTSIDE],
  ["in the constructor", [JSON_TYPE], '{"constructor":{"prototype":{"channel":"C1"}}}', OUTSIDE],
  ["behind the first 16 KiB", [JSON_TYPE], FAR, OUTSIDE],
  ["twice, the second behind 16 KiB", [JSON_TYPE], FAR.replace("{", '{"channel":"C1",'), INVALID],
  ["text behind the JSON", [JSON_TYPE], `${C1}{"channel":"C2"}`, INVALID],
  ["a byte order mark", [JSON_TYPE], `\ufeff${C1}`, INVALID],
  ["a comment", [JSON_TYPE], '{"channel":"C1"/*,"channel":"C2"*/}', INVALID],
  ["not UTF-8", [JSON_TYPE], Buffer.from('{"channel":"C1","text":"\xff"}', "latin1"), INVALID],
  ["UTF-16", [JSON_TYPE], Buffer.from(C1, "utf16le"), INVALID],
  ["UTF-16, said", ["Content-Type: application/json; charset=utf-16"], C1, INVALID],
  ["a number that is rounded", [JSON_TYPE], '{"channel":"C1","text":9007199254740993}', INVALID],
  ["in a list", [JSON_TYPE], `[${C1}]`, OUTSIDE],
  ["compressed", [JSON_TYPE, "Content-Encoding: gzip"], gzipSync(C1), INVALID],
  ["compressed, not said", [JSON_TYPE], gzipSync(C1), INVALID],
  [
    "multipart",
    ["Content-Type: multipart/form-data; boundary=b"],
    `--b\r\nContent-Disposition: form-data; name="channel"\r\n\r\nC1\r\n--b--\r\n`,
    INVALID,
  ],
  ["without a type", [], C1, INVALID],
  ["as text", ["Content-Type: text/plain"], C1, INVALID],
  ["a form as JSON", [JSON_TYPE], "channel=C1", INVALID],
  ["JSON as a form", [FORM_TYPE], C1, OUTSIDE],
  ["a form with another value", [FORM_TYPE], "channel=C2", OUTSIDE],
  ["a form with a name twice", [FORM_TYPE], "channel=C1&channel=C2", INVALID],
  ["a form with a name twice, encoded", [FORM_TYPE], "channel=C1&%63hannel=C2", INVALID],
  ["a form with a semicolon", [FORM_TYPE], "channel=C1;channel=C2", OUTSIDE],
  ["a form with a list's name", [FORM_TYPE], "channel=C1&channel[]=C2", INVALID],
  ["a form with a NUL", [FORM_TYPE], "channel=C1%00C2", OUTSIDE],
  ["a form with a bare NUL", [FORM_TYPE], "channel=C1&a\0=b", INVALID],
  ["a form of two types", [FORM_TYPE, JSON_TYPE], "channel=C1", INVALID],
])("a body, %s: refused, and nothing is sent", async (_how, headers, body, expected) => {
  const { allowed: all, ...rest } = came(stand, await post(headers, body));
  expect({ ...rest, allowed: all - before }).toEqual(expected);
});

test("a name in the query that belongs in the body is refused", async () => {
  const answers = await post([JSON_TYPE], C1, "/hub/post?channel=C2");
  expect({ ...came(stand, answers), allowed: allowed(stand).length - before }).toEqual(INVALID);
});

test.each([
  [
    "JSON",
    JSON_TYPE,
    ' {"text":"a\\u0062", "channel" : "C1","token":"mine"}',
    '{"text":"ab","channel":"C1"}',
  ],
  ["a form", FORM_TYPE, "text=a%62+c&channel=%431&token=mine", "text=ab%20c&channel=C1"],
])("%s is sent as it was read, without the caller's token", async (_what, type, body, sent) => {
  expect((await post([type], body)).statuses).toEqual([200]);
  expect(stand.upstream.requests.map((request) => request.body.toString())).toEqual([sent]);
});

test("chunks are put together before they are decided on", async () => {
  const chunks = (text: string): string =>
    `${text
      .split("")
      .map((one) => `1\r\n${one}\r\n`)
      .join("")}0\r\n\r\n`;
  const headers = [JSON_TYPE, "Transfer-Encoding: chunked"];
  expect((await post(headers, chunks(C1))).statuses).toEqual([200]);
  expect((await post(headers, chunks('{"channel":"C2"}'))).codes).toEqual(["constraint_failed"]);
  expect(stand.upstream.requests.map(({ body }) => body.toString())).toEqual([C1]);
});

test.each(["token", "Token", "token[]"])(
  "a credential of the caller's own in a body, as %s, is not sent",
  async (name) => {
    const { codes } = await post([JSON_TYPE], `{"channel":"C1","${name}":"mine"}`);
    expect(codes.length + stand.upstream.requests.length).toBe(1);
    expect(Buffer.concat(stand.upstream.bytes).toString()).not.toContain("mine");
  },
);

test.each([
  ["levels", `{"channel":"C1","text":${"[".repeat(200_000)}${"]".repeat(200_000)}}`],
  ["objects", `{"channel":"C1","text":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`],
  ["a long number", `{"channel":"C1","text":${"9".repeat(500_000)}}`],
])("deep or endless JSON, %s, is refused in good time", async (_what, body) => {
  const startedMs = performance.now();
  const answers = await post([JSON_TYPE], body);
  expect({ ...came(stand, answers), allowed: allowed(stand).length - before }).toEqual(INVALID);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test("many names and backslashes are read in good time", async () => {
  const names = Array.from({ length: 60_000 }, (_, at) => `"n${at}":${at}`).join(",");
  const startedMs = performance.now();
  expect((await post([JSON_TYPE], `{"channel":"C1",${names}}`)).statuses).toEqual([400]);
  const rows = (count: number): string => `{"channel":"C1","rows":[${'{"n":1},'.repeat(count)}1]}`;
  expect((await post([JSON_TYPE], rows(15_000))).statuses).toEqual([200]);
  // More names than anybody needs are not read at all.
  expect((await post([JSON_TYPE], rows(40_000))).statuses).toEqual([400]);
  const slashes = `{"channel":"C1","text":"${"\\\\".repeat(500_000)}"}`;
  expect((await post([JSON_TYPE], slashes)).statuses).toEqual([200]);
  const quotes = `{"channel":"C1","text":"${'\\\\\\"'.repeat(200_000)}"}`;
  expect((await post([JSON_TYPE], quotes)).statuses).toEqual([200]);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});
