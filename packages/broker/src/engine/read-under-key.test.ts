import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { memoryStore } from "@agent-keys/core";
import { expect, test } from "vitest";
import { type Setup, setup } from "../../test/setup.ts";

const HELD = { scope: "tickets:write", where: { queue: "a" }, expiresIn: "5m" } as const;

/** A request whose body the broker has to read, of which the last byte does not come. */
async function postHalf(
  s: Setup,
  key: string,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const { hostname, port } = new URL(s.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const body = '{"queue":"a","title":"x"}';
  const head = [
    "POST /tickets/tickets HTTP/1.1",
    "Host: broker",
    "Connection: close",
    `Authorization: Bearer ${key}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body.slice(0, -1)}`);
  const answer = once(socket, "close").then(() => Buffer.concat(chunks).toString());
  // The head is there once another request, which came later, was answered.
  await s.ask("/tickets/tickets/1").then((response) => response.text());
  return { socket, answer };
}

test("a body is read no longer when its key is revoked", async () => {
  const store = memoryStore();
  await using s = await setup({ broker: { store } });
  const key = s.keys.mint(HELD);
  const { answer } = await postHalf(s, key.token);
  const startedMs = performance.now();
  await store.keys.revoke({ selector: { id: key.id }, atMs: Date.now() });
  expect(await answer).toMatch(/^HTTP\/1\.1 401 [^]*agent-keys-code: key_revoked/);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(s.upstream.seen.filter(({ method }) => method === "POST")).toEqual([]);
  expect(s.of("request.refused")).toMatchObject([{ code: "key_revoked", keyId: key.id }]);
});

test("nor when the key expires", async () => {
  let nowMs = Date.now();
  const now = (): number => nowMs;
  await using s = await setup({ broker: { now }, keys: { now } });
  const { answer } = await postHalf(s, s.mint({ ...HELD, expiresIn: "10s" }));
  nowMs += 13_000;
  expect(await answer).toMatch(/^HTTP\/1\.1 401 [^]*agent-keys-code: key_expired/);
  expect(s.upstream.seen.filter(({ method }) => method === "POST")).toEqual([]);
});

test("nor when the broker stops, and the rest comes too late", async () => {
  await using s = await setup({ broker: { limits: { stopMs: 200 } } });
  const { answer } = await postHalf(s, s.mint(HELD));
  const startedMs = performance.now();
  await s.close();
  // Not the 15 seconds that a body may take.
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  expect(await answer).toMatch(/^HTTP\/1\.1 503 /);
});

test("a body that is there in time is sent, with its key still alive", async () => {
  await using s = await setup();
  const { socket, answer } = await postHalf(s, s.mint(HELD));
  socket.write("}");
  expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(s.upstream.seen.at(-1)?.body).toBe('{"queue":"a","title":"x"}');
});
