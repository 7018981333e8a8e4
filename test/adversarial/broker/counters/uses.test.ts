import { Agent } from "node:http";
import { memoryStore } from "@agent-keys/core";
import { expect, test } from "vitest";
import { seeded } from "../../seeded.ts";
import { ask } from "../ask.ts";
import { openInFront } from "../in-front.ts";
import { openIssuer } from "../issuer.ts";
import { openUpstream } from "../upstream.ts";

const READ = { scope: "tickets:read", expiresIn: "5m" } as const;

/** How often each answer came. */
async function asked(
  urls: readonly string[],
  tokens: readonly string[],
): Promise<Record<string, number>> {
  const agent = new Agent({ keepAlive: true });
  const answers = await Promise.all(
    tokens.map((token, index) =>
      ask(`${urls[index % urls.length]}/tickets/tickets/1`, token, { agent }),
    ),
  );
  agent.destroy();
  const told: Record<string, number> = {};
  for (const { code, status } of answers) {
    const what = code ?? String(status);
    told[what] = (told[what] ?? 0) + 1;
  }
  return told;
}

function times(count: number, token: string): readonly string[] {
  return Array.from({ length: count }, () => token);
}

test.each([1, 3, 17])("%i uses, 1,000 requests at once", async (uses) => {
  await using upstream = await openUpstream();
  await using front = await openInFront(upstream.url);
  const { token } = front.keys.mint({ ...READ, uses });
  const told = await asked([front.url], times(1_000, token));
  expect(told).toEqual({ 200: uses, key_used_up: 1_000 - uses });
  expect(upstream.seen).toHaveLength(uses);
  const announced = front.events.filter(({ type }) => type === "request.allowed");
  expect(announced).toHaveLength(uses);
});

test("two brokers that share a store share the uses", async () => {
  await using upstream = await openUpstream();
  const url = "https://broker.example";
  const shared = { store: memoryStore(), url };
  const issuer = openIssuer();
  const [first, second] = [await freePort(), await freePort()];
  await using _one = await openInFront(upstream.url, { ...shared, port: first }, issuer);
  await using _other = await openInFront(upstream.url, { ...shared, port: second }, issuer);
  const { token } = issuer.keysFor(url).mint({ ...READ, uses: 3 });
  const urls = [first, second].map((port) => `http://127.0.0.1:${port}`);
  expect(await asked(urls, times(600, token))).toEqual({ 200: 3, key_used_up: 597 });
  expect(upstream.seen).toHaveLength(3);
});

test("a delegated key is charged to every ancestor", async () => {
  await using upstream = await openUpstream();
  await using front = await openInFront(upstream.url);
  const parent = front.keys.mint({ ...READ, uses: 4 });
  const narrower = front.keys.for({ agent: "helper", parent });
  const children = [3, 3].map((uses) => narrower.mint({ ...READ, uses }));
  const grandchildren = children.map((child) =>
    front.keys.for({ agent: "helper", parent: child }).mint({ ...READ, uses: 2 }),
  );
  // Every one of them at once; none alone could use up what is left of the first.
  const tokens = [...children, ...grandchildren].flatMap(({ token }) => times(100, token));
  const told = await asked([front.url], tokens);
  expect(told).toEqual({ 200: 4, key_used_up: 396 });
  expect(upstream.seen).toHaveLength(4);
  expect(await asked([front.url], [parent.token])).toEqual({ key_used_up: 1 });
});

test("a grandchild cannot use up more than its own limit, its parent's, and the first one's", async () => {
  await using upstream = await openUpstream();
  await using front = await openInFront(upstream.url);
  const parent = front.keys.mint({ ...READ, uses: 10 });
  const child = front.keys.for({ agent: "helper", parent }).mint({ ...READ, uses: 5 });
  const own = front.keys.for({ agent: "helper", parent: child });
  const two = own.mint({ ...READ, uses: 2 });
  const five = own.mint({ ...READ, uses: 5 });
  expect(await asked([front.url], times(100, two.token))).toEqual({ 200: 2, key_used_up: 98 });
  expect(await asked([front.url], times(100, five.token))).toEqual({ 200: 3, key_used_up: 97 });
  expect(await asked([front.url], times(100, parent.token))).toEqual({ 200: 5, key_used_up: 95 });
  expect(upstream.seen).toHaveLength(10);
});

test("a client that gives up and tries again does not spend twice", async () => {
  await using upstream = await openUpstream(() => undefined);
  await using front = await openInFront(upstream.url, { limits: { answerMs: 1_500 } });
  const { token } = front.keys.mint({ ...READ, uses: 1 });
  const url = `${front.url}/tickets/tickets/1`;
  await expect(ask(url, token, { timeoutMs: 300 })).rejects.toThrow("timed out");
  expect(upstream.seen).toHaveLength(1);
  expect((await ask(url, token)).code).toBe("key_used_up");
  const second = front.keys.mint({ ...READ, uses: 1 });
  const late = await ask(url, second.token);
  expect([late.status, late.code]).toEqual([504, "upstream_unavailable"]);
  expect((await ask(url, second.token)).code).toBe("key_used_up");
  expect(upstream.seen).toHaveLength(2);
});

test("an upstream that dies after it has read keeps the use; one that never listened gives it back", async () => {
  const upstream = await openUpstream((request) => void request.socket.destroy());
  const port = Number(new URL(upstream.url).port);
  await using front = await openInFront(upstream.url);
  const url = `${front.url}/tickets/tickets/1`;
  const read = front.keys.mint({ ...READ, uses: 1 });
  expect((await ask(url, read.token)).code).toBe("upstream_unavailable");
  expect((await ask(url, read.token)).code).toBe("key_used_up");
  expect(upstream.seen).toHaveLength(1);
  await upstream[Symbol.asyncDispose]();
  const unsent = front.keys.mint({ ...READ, uses: 1 });
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect((await ask(url, unsent.token)).code).toBe("upstream_unavailable");
  }
  await using again = await openUpstream(undefined, port);
  expect((await ask(url, unsent.token)).status).toBe(200);
  expect((await ask(url, unsent.token)).code).toBe("key_used_up");
  expect(again.seen).toHaveLength(1);
});

test("an upstream that breaks connections at any moment sees no key twice", async () => {
  const random = seeded("broken connections", 12_000);
  await using upstream = await openUpstream((request, response) => {
    const { socket } = request;
    const what = random.below(5);
    if (what === 0) socket.destroy();
    else if (what === 1) response.writeHead(200, { "content-length": "9" }).write("half");
    // Closed when the next request may already be on its way.
    else if (what === 2) response.end("ok", () => setImmediate(() => socket.end()));
    else response.end("ok");
    if (what === 3) setTimeout(() => socket.destroy(), 2);
  });
  await using front = await openInFront(upstream.url, { limits: { idleMs: 100 } });
  const keys = Array.from({ length: 400 }, () => front.keys.mint({ ...READ, uses: 1 }));
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  await Promise.all(
    keys.map(async ({ id, token }) => {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await ask(`${front.url}/tickets/tickets/${id}`, token, { agent }).catch(() => undefined);
      }
    }),
  );
  agent.destroy();
  expect(new Set(upstream.seen).size).toBe(upstream.seen.length);
  expect(upstream.seen.length).toBeGreaterThan(300);
});

test("a key that was minted by a clock that is ahead is not new to a broker that starts again", async () => {
  await using upstream = await openUpstream();
  const issuer = openIssuer();
  const url = "https://broker.example";
  const aheadMs = 1_200;
  const keys = issuer.keysFor(url, { now: () => Date.now() + aheadMs });
  const { token } = keys.mint({ ...READ, uses: 1 });
  const codes: (string | undefined)[] = [];
  for (let life = 0; life < 2; life += 1) {
    const port = await freePort();
    await using _front = await openInFront(upstream.url, { url, port }, issuer);
    codes.push((await ask(`http://127.0.0.1:${port}/tickets/tickets/1`, token)).code);
  }
  expect(upstream.seen).toHaveLength(1);
  expect(codes).toEqual([undefined, "use_unknown"]);
});

async function freePort(): Promise<number> {
  await using server = await openUpstream();
  return Number(new URL(server.url).port);
}
