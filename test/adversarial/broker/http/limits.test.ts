import { connect } from "node:net";
import { expect, test } from "vitest";
import { OK } from "./raw-upstream.ts";
import { sendBytes } from "./raw-client.ts";
import { came, openStand, refused } from "./stand.ts";

test("a head beyond its limit is refused", async () => {
  await using stand = await openStand({ broker: { limits: { headerBytes: 4096 } } });
  const many = Array.from({ length: 3000 }, (_, at) => `X-${at}: y`);
  for (const [path, headers] of [
    ["/hub/a", [`X: ${"y".repeat(8192)}`]],
    ["/hub/a", many],
    [`/hub/${"a".repeat(8192)}`, []],
  ] as const) {
    expect(came(stand, await stand.ask(path, { headers }))).toEqual(
      refused(413, "request_too_large"),
    );
  }
});

test("a body beyond its limit is refused, or breaks off where its length was not said", async () => {
  await using stand = await openStand({
    broker: { limits: { bodyBytes: 4096, decidedBodyBytes: 1024 } },
  });
  const body = "x".repeat(5000);
  expect(came(stand, await stand.ask("/hub/a", { method: "POST", body }))).toEqual(
    refused(413, "request_too_large"),
  );
  const key = stand.mint({ scope: "hub:any", where: { path: "a" }, only: true });
  const headers = ["Content-Type: application/json"];
  const decided = { method: "POST", key, body: JSON.stringify("x".repeat(2000)), headers };
  expect(came(stand, await stand.ask("/hub/a", decided))).toEqual(
    refused(413, "request_too_large"),
  );
  const chunks = `${"400\r\n".concat("x".repeat(1024), "\r\n").repeat(6)}0\r\n\r\n`;
  const chunked = { method: "POST", headers: ["Transfer-Encoding: chunked"], body: chunks };
  const { statuses } = await stand.ask("/hub/a", chunked);
  expect(statuses.filter((status) => status < 400)).toEqual([]);
  // What was begun never looked whole.
  expect(stand.upstream.requests).toEqual([]);
});

test("too many at once of one issuer are refused, and the next is served", async () => {
  await using stand = await openStand({
    answer: () => "",
    broker: { limits: { concurrentRequests: 2, answerMs: 60_000 } },
  });
  const key = stand.mint({ scope: "hub:any", expiresIn: "5m" });
  const open = [1, 2].map(() => connect(Number(new URL(stand.url).port), "127.0.0.1"));
  for (const socket of open) {
    socket.on("error", () => undefined);
    socket.write(`GET /hub/a HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  }
  while (stand.upstream.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const { statuses, codes } = await stand.ask("/hub/a", { key });
  expect([statuses, codes]).toEqual([[429], ["limit_exceeded"]]);
  expect(stand.upstream.requests).toHaveLength(2);
  for (const socket of open) socket.destroy();
});

test.each([
  ["never answers", "", { answerMs: 300 }, 504],
  ["stops in its answer", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", { idleMs: 300 }, 200],
  ["takes longer than all may", "", { totalMs: 300 }, 504],
] as const)("an upstream that %s is given up", async (_how, answer, limits, status) => {
  await using stand = await openStand({ answer: () => answer, broker: { limits } });
  const startedMs = performance.now();
  const { statuses, closed } = await stand.ask("/hub/a");
  expect([statuses, closed]).toEqual([[status], true]);
  expect(performance.now() - startedMs).toBeLessThan(20_000);
});

test("ten thousand bad requests are counted, and do not write ten thousand lines", async () => {
  await using stand = await openStand({ answer: () => OK });
  const startedMs = performance.now();
  const bad = "GET /hub/a HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer no.good.key\r\n\r\n";
  const none = "GET /hub/a HTTP/1.1\r\nHost: b\r\n\r\n";
  const last = "GET /healthz HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
  await Promise.all(
    Array.from({ length: 10 }, () => sendBytes(stand.url, (bad + none).repeat(450) + last)),
  );
  await Promise.all(Array.from({ length: 1000 }, () => sendBytes(stand.url, "no request\r\n\r\n")));
  const seconds = Math.ceil((performance.now() - startedMs) / 1000) + 2;
  // The count that is left is written after a second at most.
  const counted = (): number =>
    stand.events.reduce(
      (sum, event) => sum + (event.type === "request.refused" ? (event.count ?? 0) : 0),
      0,
    );
  await expect.poll(counted, { timeout: 5_000 }).toBe(10_000);
  const lines = stand.events.filter(({ type }) => type === "request.refused");
  // Of each check, one a second.
  expect(lines.length).toBeLessThanOrEqual(3 * (seconds + 2));
  expect(stand.upstream.bytes).toEqual([]);
});
