import type { Policy } from "@agent-keys/core";
import { expect, test } from "vitest";
import { seeded } from "../../seeded.ts";
import { ask } from "../ask.ts";
import { type InFront, openInFront } from "../in-front.ts";
import { AGENT, ISSUER, openIssuer } from "../issuer.ts";
import { openUpstream } from "../upstream.ts";

const LONG = { scope: "tickets:read", expiresIn: "15m" } as const;

/** A broker that goes by the real time and what a test adds to it. */
async function openRated(upstream: string, policy: Policy) {
  const issuer = openIssuer();
  let aheadMs = 0;
  const front = await openInFront(
    upstream,
    {
      issuers: { [ISSUER]: { jwks: issuer.jwks, agents: Object.keys(policy), policy } },
      now: () => Date.now() + aheadMs,
    },
    issuer,
  );
  const skip = (ms: number): void => {
    aheadMs += ms;
  };
  return { front, skip, [Symbol.asyncDispose]: () => front[Symbol.asyncDispose]() };
}

function told({ url }: InFront, token: string): Promise<string> {
  return ask(`${url}/tickets/tickets/1`, token).then(({ status, code }) => code ?? `${status}`);
}

const rule = (calls: number) => ({ scope: "tickets:*", rate: { calls, per: "1m" } }) as const;

test("a rate holds for all keys of an agent, over every edge, in bursts at any time", async () => {
  await using upstream = await openUpstream();
  await using rated = await openRated(upstream.url, { [AGENT]: { allow: [rule(10)] } });
  const { front, skip } = rated;
  const random = seeded("rate", 20_261_124);
  const startedMs = Date.now();
  const admittedMs: number[] = [];
  let skippedMs = 0;
  for (let burst = 0; burst < 30; burst += 1) {
    const tokens = Array.from({ length: 25 }, () => front.keys.mint(LONG).token);
    const codes = await Promise.all(tokens.map((token) => told(front, token)));
    expect(codes.every((code) => code === "200" || code === "rate_exceeded")).toBe(true);
    const atMs = skippedMs;
    for (const code of codes) if (code === "200") admittedMs.push(atMs);
    const byMs = random.chance(0.3) ? 60_000 : random.below(40_000);
    // Long keys live on over some of them, and their agent's window with them.
    skip(byMs);
    skippedMs += byMs;
  }
  expect(upstream.seen).toHaveLength(admittedMs.length);
  // The bursts' own real time is in nobody's favour but the window's.
  const tookMs = Date.now() - startedMs;
  const most = admittedMs.map(
    (fromMs) =>
      admittedMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 60_000 - tookMs).length,
  );
  expect(Math.max(...most)).toBe(10);
  const refused = front.events.filter((event) => event.type === "request.refused");
  expect(refused).toHaveLength(750 - admittedMs.length);
});

test("a refusal says when, and takes nothing: no use, no upstream request", async () => {
  await using upstream = await openUpstream();
  await using rated = await openRated(upstream.url, { [AGENT]: { allow: [rule(1)] } });
  const { front, skip } = rated;
  const once = front.keys.mint({ ...LONG, uses: 1 });
  expect(await told(front, front.keys.mint(LONG).token)).toBe("200");
  const response = await fetch(`${front.url}/tickets/tickets/1`, {
    headers: { authorization: `Bearer ${once.token}` },
  });
  expect(response.status).toBe(429);
  const seconds = Number(response.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(50);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(await response.json()).toMatchObject({ code: "rate_exceeded" });
  expect(upstream.seen).toHaveLength(1);
  skip(seconds * 1000);
  expect(await told(front, once.token)).toBe("200");
  expect(await told(front, once.token)).toBe("key_used_up");
  expect(upstream.seen).toHaveLength(2);
});

test("a delegated key is counted for who acts at the broker", async () => {
  await using upstream = await openUpstream();
  await using rated = await openRated(upstream.url, {
    [AGENT]: { allow: [{ scope: "tickets:*" }] },
    helper: { allow: [rule(2)] },
  });
  const { front } = rated;
  const parent = front.keys.mint(LONG);
  const helper = front.keys.for({ agent: "helper", parent });
  const tokens = Array.from({ length: 5 }, () => helper.mint(LONG).token);
  const codes = await Promise.all(tokens.map((token) => told(front, token)));
  expect(codes.filter((code) => code === "200")).toHaveLength(2);
  expect(await told(front, parent.token)).toBe("200");
  expect(upstream.seen).toHaveLength(3);
});

test("what never reached the service is not counted", async () => {
  const upstream = await openUpstream();
  await using rated = await openRated(upstream.url, { [AGENT]: { allow: [rule(2)] } });
  await upstream[Symbol.asyncDispose]();
  const { token } = rated.front.keys.mint(LONG);
  for (let i = 0; i < 4; i += 1) {
    expect(await told(rated.front, token)).toBe("upstream_unavailable");
  }
});

test("a window that is full is full for whoever was delegated to", async () => {
  await using upstream = await openUpstream();
  const policy = {
    [AGENT]: { allow: [rule(3)] },
    "helper-*": { allow: [rule(5)] },
    free: { allow: [{ scope: "tickets:*" }] },
  };
  await using rated = await openRated(upstream.url, policy);
  const { front, skip } = rated;
  const parent = front.keys.mint(LONG);
  const delegated = (agent: string): Promise<string> =>
    told(front, front.keys.for({ agent, parent }).mint(LONG).token);
  expect(await told(front, parent.token)).toBe("200");
  expect(await delegated("helper-1")).toBe("200");
  expect(await delegated("free")).toBe("200");
  const full = [];
  for (const agent of ["helper-1", "helper-2", "free", AGENT]) full.push(await delegated(agent));
  expect(full).toEqual(Array.from({ length: 4 }, () => "rate_exceeded"));
  expect(await told(front, parent.token)).toBe("rate_exceeded");
  // What nobody delegated is its own.
  expect(await told(front, front.keys.for({ agent: "free" }).mint(LONG).token)).toBe("200");
  skip(60_001);
  expect(await delegated("helper-2")).toBe("200");
  expect(upstream.seen).toHaveLength(5);
});
