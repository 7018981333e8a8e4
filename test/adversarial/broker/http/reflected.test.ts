import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { OK } from "./raw-upstream.ts";
import { openStand, SECRET } from "./stand.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const unicode = (text: string): string =>
  text.replace(/[^a-z0-9]/gi, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");

/** What upstreams turn a credential into when they repeat it. */
const FORMS: readonly (readonly [name: string, form: string])[] = [
  ["raw", SECRET],
  ["with its scheme", `Bearer ${SECRET}`],
  ["in base64", base64(SECRET)],
  ["in base64, one byte later", base64(`x${SECRET}yy`)],
  ["in base64, two bytes later", base64(`xx${SECRET}y`)],
  ["in base64, with its scheme", base64(`Bearer ${SECRET}`)],
  ["in base64url", Buffer.from(`:${SECRET}`).toString("base64url")],
  ["as a URI component", encodeURIComponent(SECRET)],
  [
    "as a URI component in lower case",
    encodeURIComponent(SECRET).replace(/%../g, (one) => one.toLowerCase()),
  ],
  ["percent-encoded", percent(SECRET)],
  ["as a form", new URLSearchParams({ a: SECRET }).toString()],
  ["as JSON with slashes escaped", SECRET.replaceAll("/", String.raw`\/`)],
  ["as JSON for HTML", SECRET.replaceAll("+", String.raw`\u002b`)],
];

/** Enough of it to be of use, read back in every way in which it may have been written. */
function holdsSecret(text: string): boolean {
  const readings = [
    text,
    text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  ];
  readings.push(
    text.replaceAll("\\/", "/"),
    text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  );
  for (const run of text.match(/[A-Za-z0-9+/_-]{8,}/g) ?? []) {
    for (const skip of [0, 1, 2, 3])
      readings.push(Buffer.from(run.slice(skip), "base64").toString("latin1"));
  }
  const parts = Array.from({ length: SECRET.length - 7 }, (_, at) => SECRET.slice(at, at + 8));
  return readings.some((reading) => parts.some((part) => reading.includes(part)));
}

function chunked(pieces: readonly (string | Buffer)[], trailers = ""): Buffer {
  const parts = pieces.flatMap((piece) => [
    Buffer.from(`${Buffer.byteLength(piece).toString(16)}\r\n`),
    Buffer.from(piece),
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailers}\r\n`)]);
}

const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";

/** The pieces of the broker's own answer put together. */
function bodyOf(answer: string): string {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (!/transfer-encoding: chunked/i.test(head)) return body;
  const bytes = Buffer.from(body, "latin1");
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const end = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16);
    if (!(size > 0)) return Buffer.concat(parts).toString("latin1");
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}

test.each(FORMS)("a secret, %s, is masked wherever a chunk ends", async (_name, form) => {
  const text = `{"before":"${form}","twice":"${form}${form}"}`;
  await using stand = await openStand({
    answer({ target }) {
      const at = Number(target.slice(1));
      const pieces = at === 0 ? text.split("") : [text.slice(0, at), text.slice(at)];
      return Buffer.concat([Buffer.from(`${HEAD}\r\n`), chunked(pieces)]);
    },
  });
  expect(holdsSecret(text)).toBe(true);
  const key = stand.mint({ scope: "hub:any", expiresIn: "5m" });
  // At 0, every byte comes in a chunk of its own.
  for (let at = 0; at < form.length + 14; at += 1) {
    const { text: answer, statuses } = await stand.ask(`/hub/${at}`, { key });
    const body = bodyOf(answer);
    expect([at, statuses, body.length]).toEqual([at, [200], text.length]);
    expect([at, body, holdsSecret(body)]).toEqual([at, body, false]);
    expect(body.startsWith('{"before":"')).toBe(true);
    expect(body.endsWith('"}')).toBe(true);
  }
});

const hex = (one: string): string => one.charCodeAt(0).toString(16).padStart(2, "0");
/** One after the other, in turn. */
const TURNS: readonly ((one: string) => string)[] = [
  (one) => one,
  (one) => `%${hex(one)}`,
  (one) => `\\u00${hex(one).toUpperCase()}`,
  (one) => `&#x${hex(one)};`,
  (one) => `%25${hex(one)}`,
  (one) => `\\\\u00${hex(one)}`,
  (one) => `&amp;#${one.charCodeAt(0)};`,
  (one) => `\\u0025${hex(one)}`,
];
const inTurn = (text: string, first: number): string =>
  Array.from(text, (one, at) => TURNS[(first + at) % TURNS.length]?.(one) ?? one).join("");

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  "a secret whose every character is escaped in another way is masked wherever a chunk ends (%i)",
  async (first) => {
    const form = inTurn(SECRET, first);
    const wrapped = inTurn(base64(SECRET).slice(0, Math.floor((SECRET.length * 8) / 6)), first);
    await using stand = await openStand({
      answer({ target }) {
        const at = Number(target.slice(1));
        const text = `<${form}|${wrapped}>`;
        const pieces = at === 0 ? text.split("") : [text.slice(0, at), text.slice(at)];
        return Buffer.concat([Buffer.from(`${HEAD}X-Echo: ${form}\r\n\r\n`), chunked(pieces)]);
      },
    });
    const key = stand.mint({ scope: "hub:any", expiresIn: "5m" });
    for (let at = 0; at < form.length; at += 5) {
      const { text: answer } = await stand.ask(`/hub/${at}`, { key });
      expect(answer).toContain(`: ${"*".repeat(form.length)}\r\n`);
      expect(bodyOf(answer)).toBe(`<${"*".repeat(form.length)}|${"*".repeat(wrapped.length)}>`);
    }
  },
);

test("the beginning of a secret in front of a secret hides neither", async () => {
  await using stand = await openStand({
    answer: ({ target }) => {
      const at = Number(target.slice(1));
      const text = SECRET.slice(0, at) + SECRET + SECRET.slice(0, at);
      return Buffer.concat([Buffer.from(`${HEAD}\r\n`), chunked(text.split(""))]);
    },
  });
  for (let at = 1; at < SECRET.length; at += 1) {
    const { text } = await stand.ask(`/hub/${at}`);
    expect(bodyOf(text)).toBe(
      SECRET.slice(0, at) + "*".repeat(SECRET.length) + SECRET.slice(0, at),
    );
  }
});

test.each([
  ["in headers", FORMS.map(([, form], at) => `X-${at}: a ${form} b`).join("\r\n"), OK],
  ["in a header that is sent on", `Location: /x?token=${encodeURIComponent(SECRET)}`, OK],
  ["in a link", `Link: </x?token=${SECRET}>; rel="next"`, OK],
  ["in a cookie", `Set-Cookie: auth=${SECRET}`, OK],
  ["in a challenge", `WWW-Authenticate: Bearer error="${SECRET}"`, OK],
])("a secret %s is masked", async (_where, lines, answer) => {
  await using stand = await openStand({
    answer: () => answer.replace("\r\n", `\r\n${lines}\r\n`),
  });
  const { text, statuses } = await stand.ask("/hub/x");
  expect(statuses).toEqual([200]);
  expect(holdsSecret(text)).toBe(false);
});

test.each([
  ["in the status line", `HTTP/1.1 200 ${SECRET}\r\nContent-Length: 0\r\n\r\n`, [200]],
  [
    "in trailers",
    Buffer.concat([
      Buffer.from(`${HEAD}Trailer: X-T\r\n\r\n`),
      chunked(["ok"], `X-T: ${SECRET}\r\n`),
    ]),
    [200],
  ],
  ["in chunk extensions", `${HEAD}\r\n2;x=${encodeURIComponent(SECRET)}\r\nok\r\n0\r\n\r\n`, [200]],
  [
    "in an error page",
    `HTTP/1.1 500 No\r\nContent-Length: ${SECRET.length + 3}\r\n\r\n<b>${SECRET}`,
    [500],
  ],
  ["ahead of the answer", `HTTP/1.1 103 Early Hints\r\nLink: <${SECRET}>\r\n\r\n${OK}`, [200]],
  [
    "ahead, and often",
    `${`HTTP/1.1 102 Processing\r\nX: ${SECRET}\r\n\r\n`.repeat(3)}${OK}`,
    [200],
  ],
  ["until the connection ends", `HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n${SECRET}`, [200]],
  ["in an answer of another protocol", `ICY 200 ${SECRET}\r\n\r\n${SECRET}`, [502]],
  ["in a header that is none", `HTTP/1.1 200 OK\r\n${SECRET}\r\n\r\n`, [502]],
  [
    "in a switch of protocols",
    `HTTP/1.1 101 ${SECRET}\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n${SECRET}`,
    [502],
  ],
])("a secret %s is not passed on", async (_where, answer, statuses) => {
  await using stand = await openStand({
    answer: () => answer,
    broker: { limits: { idleMs: 1_000 } },
  });
  const answers = await stand.ask("/hub/x");
  expect(answers.statuses).toEqual(statuses);
  expect(holdsSecret(answers.text)).toBe(false);
  expect(holdsSecret(JSON.stringify(stand.events))).toBe(false);
});

test("a secret in a compressed answer that nobody asked for is masked, however it is cut", async () => {
  const zipped = gzipSync(`{"echo":"${SECRET}","again":"${base64(SECRET)}"}`);
  await using stand = await openStand({
    answer({ target }) {
      const at = Number(target.slice(1));
      const head = `${HEAD}Content-Encoding: gzip\r\n\r\n`;
      return Buffer.concat([
        Buffer.from(head),
        chunked([zipped.subarray(0, at), zipped.subarray(at)]),
      ]);
    },
  });
  for (let at = 1; at < zipped.length; at += 3) {
    const body = bodyOf((await stand.ask(`/hub/${at}`)).text);
    expect(body).toContain('{"echo":"***');
    expect(holdsSecret(body)).toBe(false);
  }
});

test.each([
  ["quotes and marks", `s3cr"t\\<&>'pa=ss/w0rd`],
  ["letters beyond ASCII", "pässwört-ÿ-c4n4ry-ñandú"],
])("a secret with %s is masked in each of its forms", async (_what, secret) => {
  const json = JSON.stringify(secret).slice(1, -1);
  const forms = [
    Buffer.from(secret, "latin1"),
    Buffer.from(secret),
    Buffer.from(json),
    Buffer.from(json.replace(/[<>&'+=]/g, unicode)),
    Buffer.from(encodeURIComponent(secret)),
    Buffer.from(Buffer.from(secret, "latin1").toString("base64")),
    Buffer.from(base64(secret)),
  ];
  await using stand = await openStand({
    secret,
    answer({ target }) {
      const form = forms[Number(target.slice(1))] ?? Buffer.alloc(0);
      return Buffer.concat([Buffer.from(`${HEAD}\r\n`), chunked(["<", form, ">"])]);
    },
  });
  for (const [at, form] of forms.entries()) {
    const body = bodyOf((await stand.ask(`/hub/${at}`)).text);
    const left = body.replaceAll("*", "").length;
    expect([at, form.toString("latin1"), left <= 6]).toEqual([at, form.toString("latin1"), true]);
  }
});
