import { expect, test } from "vitest";
import { OK } from "./raw-upstream.ts";
import { openStand } from "./stand.ts";

test("an answer that nobody asked for is not taken for the next one's", async () => {
  const extra = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
  await using stand = await openStand({
    answer: ({ target }) => (target === "/a" ? OK + extra : OK),
  });
  for (let round = 0; round < 20; round += 1) {
    const [first, second] = await Promise.all([stand.ask("/hub/a"), stand.ask("/hub/b")]);
    const third = await stand.ask("/hub/b");
    for (const { statuses, text } of [first, second, third]) {
      expect([statuses, text.includes("poisoned")]).toEqual([[200], false]);
    }
  }
});

test.each([
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokx"],
  [
    "a length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a control character in a header",
    "HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 2\r\n\r\nok",
  ],
  ["a DEL in a header", "HTTP/1.1 200 OK\r\nX: a\u007fb\r\nContent-Length: 2\r\n\r\nok"],
  [
    "a carriage return in a header",
    "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
  ],
  ["a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"],
  ["a status that is none", "HTTP/1.1 999999 OK\r\nContent-Length: 2\r\n\r\nok"],
  ["a head that is too large", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(200_000)}\r\n\r\n`],
  [
    "a chunk that is none",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
  ],
])("an answer with %s comes to an end, and is no two answers", async (_what, answer) => {
  await using stand = await openStand({
    answer: () => Buffer.from(answer, "latin1"),
    broker: { limits: { idleMs: 2_000 } },
  });
  const { statuses, text, closed } = await stand.ask("/hub/a");
  expect(closed).toBe(true);
  // None, where it broke off before its head had gone out.
  expect(statuses.length).toBeLessThanOrEqual(1);
  expect(statuses.every((status) => status === 200 || status === 502)).toBe(true);
  expect(text).not.toMatch(/^set-cookie/im);
  // The broker still serves.
  expect((await stand.ask("/healthz", { key: "" })).statuses).toEqual([200]);
});
