import { expect, test } from "vitest";
import { sendRaw, setup } from "../../test/setup.ts";
import { openHeldBodies } from "./held-bodies.ts";

const HELD = { scope: "tickets:write", where: { queue: "a" } } as const;
const json = { "content-type": "application/json" };

test("one issuer holds so much, all of them so much, and what is given back is there again", () => {
  const bodies = openHeldBodies({ heldBodyBytes: 10, heldBodyBytesPerIssuer: 6 });
  const [a, b, c] = [bodies.open("a"), bodies.open("b"), bodies.open("a")];
  expect([a.take(4), c.take(2), c.take(1), b.take(4), b.take(1)]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  a.release();
  a.release();
  expect([c.take(4), c.take(1), b.take(1)]).toEqual([true, false, false]);
  for (const one of [a, b, c]) one.release();
  expect([b.take(6), a.take(4), a.take(1)]).toEqual([true, true, false]);
});

test("a body is held until its request is done, and one too many is refused meanwhile", async () => {
  const waiting: (() => void)[] = [];
  await using s = await setup({
    broker: { limits: { heldBodyBytesPerIssuer: 1_000 } },
    answer: (_request, response) => void waiting.push(() => response.end("{}")),
  });
  const post = async (size: number): Promise<unknown> => {
    const body = JSON.stringify({ queue: "a", title: "x".repeat(size) });
    const init = { method: "POST", headers: json, body, key: s.mint(HELD) };
    const answer = await s.ask("/tickets/tickets", init);
    await answer.text();
    return [answer.status, answer.headers.get("agent-keys-code")];
  };
  const first = post(600);
  await expect.poll(() => waiting.length).toBe(1);
  expect(await post(600)).toEqual([429, "limit_exceeded"]);
  const small = post(100);
  await expect.poll(() => waiting.length).toBe(2);
  for (const end of waiting.splice(0)) end();
  expect([await first, await small]).toEqual([
    [200, null],
    [200, null],
  ]);
  const again = post(600);
  await expect.poll(() => waiting.length).toBe(1);
  for (const end of waiting) end();
  expect(await again).toEqual([200, null]);
  // What is too much by itself is refused as often as it comes, and holds nothing.
  for (let at = 0; at < 3; at += 1) expect(await post(2_000)).toEqual([429, "limit_exceeded"]);
  expect(s.upstream.seen).toHaveLength(3);
});

test("a body is not waited for when no grant that could allow it has a use left", async () => {
  await using s = await setup();
  const key = s.mint([
    { ...HELD, uses: 1 },
    { scope: "tickets:write", where: { queue: "b" }, uses: 1 },
    { scope: "tickets:read", uses: 1 },
  ]);
  const post = async (queue: string): Promise<string | null> => {
    const body = JSON.stringify({ queue, title: "x" });
    const answer = await s.ask("/tickets/tickets", { method: "POST", headers: json, body, key });
    await answer.text();
    return answer.headers.get("agent-keys-code");
  };
  expect(await post("a")).toBeNull();
  // The other grant has one, and it is the body that tells which of them it is.
  expect(await post("a")).toBe("key_used_up");
  expect(await post("b")).toBeNull();
  const head = [
    "POST /tickets/tickets HTTP/1.1",
    "Host: broker",
    `Authorization: Bearer ${key}`,
    "Content-Type: application/json",
    "Content-Length: 4000000",
  ];
  const startedMs = performance.now();
  const answer = await sendRaw(s.url, `${head.join("\r\n")}\r\n\r\n{`);
  expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*agent-keys-code: key_used_up/);
  // Not the 15 seconds that a body may take.
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(s.upstream.seen).toHaveLength(2);
});
