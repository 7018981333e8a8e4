import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RevocationSelector } from "@agent-keys/core";
import { afterAll, expect, test } from "vitest";
import { ask } from "../ask.ts";
import { openInFront } from "../in-front.ts";
import { AGENT, ISSUER, openIssuer } from "../issuer.ts";
import { endless, openStream } from "../stream.ts";
import { openUpstream } from "../upstream.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-revocation-"));
afterAll(() => rmSync(directory, { recursive: true }));

const READ = { scope: "tickets:read", expiresIn: "5m" } as const;
/** How late what was revoked or closed may still be answered. */
const BOUND_MS = 1_000;

const selectors: readonly RevocationSelector[] = [
  { agent: AGENT },
  { user: "ada" },
  { txn: "run-1" },
  { scope: "tickets:*" },
  { issuer: ISSUER },
  { all: true },
];

test.each(selectors)(
  "%j: refused as soon as it is acknowledged, until restored",
  async (selector) => {
    await using upstream = await openUpstream();
    await using front = await openInFront(upstream.url);
    const keys = front.issuer.keysAt(front.url).for({ user: "ada", txn: "run-1" });
    const { token } = keys.mint(READ);
    const url = `${front.url}/tickets/tickets/1`;
    const codes: (string | undefined)[] = [];
    for (let round = 0; round < 5; round += 1) {
      codes.push((await ask(url, token)).code);
      await keys.revoke(selector);
      codes.push((await ask(url, token)).code);
      await keys.restore(selector);
    }
    expect(codes).toEqual(Array.from({ length: 5 }, () => [undefined, "key_revoked"]).flat());
    expect(upstream.seen).toHaveLength(5);
  },
);

test("streams of what is revoked are cut, and no others", async () => {
  await using upstream = await openUpstream(endless);
  await using front = await openInFront(upstream.url);
  const keys = front.issuer.keysAt(front.url);
  const streamsOf = (user: string) =>
    Promise.all(
      Array.from({ length: 25 }, () => openStream(front.url, keys.for({ user }).mint(READ).token)),
    );
  const [eves, adas] = await Promise.all([streamsOf("eve"), streamsOf("ada")]);
  const startedMs = performance.now();
  await keys.revoke({ user: "eve" });
  const ends = await Promise.all(eves.map(({ ended }) => ended));
  const lateMs = Math.max(...ends.map(({ atMs }) => atMs - startedMs));
  console.log(`25 streams cut ${lateMs.toFixed(1)} ms after revoke() was called`);
  expect(new Set(ends.map(({ how }) => how))).toEqual(new Set(["cut"]));
  expect(lateMs).toBeLessThan(BOUND_MS);
  const before = adas.map(({ pieces }) => pieces());
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const [index, { pieces }] of adas.entries()) {
    expect(pieces()).toBeGreaterThan(before[index] ?? Infinity);
  }
  for (const { close } of adas) close();
});

test("what a call leaves open is cut when its key closes", async () => {
  await using upstream = await openUpstream(endless);
  await using front = await openInFront(upstream.url);
  const keys = front.issuer.keysAt(front.url);
  const latenessMs: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    const key = keys.mint(READ);
    const stream = await openStream(front.url, key.token);
    const startedMs = performance.now();
    key.close();
    const { how, atMs } = await stream.ended;
    expect(how).toBe("cut");
    latenessMs.push(atMs - startedMs);
    expect((await ask(`${front.url}/tickets/tickets/1`, key.token)).code).toBe("key_closed");
  }
  const sorted = latenessMs.toSorted((a, b) => a - b);
  const [median = 0, worst = 0] = [sorted[20], sorted.at(-1)];
  console.log(
    `closed: refused ${median.toFixed(1)} ms later (median), ${worst.toFixed(1)} at worst`,
  );
  expect(worst).toBeLessThan(BOUND_MS);
  expect(upstream.seen).toHaveLength(40);
});

test("a broker that starts again knows what was revoked and what was restored", async () => {
  await using upstream = await openUpstream();
  const issuer = openIssuer();
  const revocationsFile = join(directory, "revocations.jsonl");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const minting = issuer.keysFor(url);
  const token = (user: string): string => minting.for({ user }).mint(READ).token;
  const open = () => openInFront(upstream.url, { port, revocationsFile }, issuer);
  const codeOf = async (user: string) => (await ask(`${url}/tickets/tickets/1`, token(user))).code;
  const keys = issuer.keysAt(url);
  {
    await using _front = await open();
    for (const user of ["eve", "mallory", "bob"]) await keys.revoke({ user });
    await keys.restore({ user: "bob" });
  }
  for (let life = 0; life < 3; life += 1) {
    await using _front = await open();
    expect(await Promise.all(["eve", "mallory", "bob", "ada"].map(codeOf))).toEqual([
      "key_revoked",
      life === 0 ? "key_revoked" : undefined,
      undefined,
      undefined,
    ]);
    // The first attempt may find the connection of a broker that is gone.
    if (life === 0) await keys.restore({ user: "mallory" }).catch(() => keys.flush());
  }
});

async function freePort(): Promise<number> {
  await using server = await openUpstream();
  return Number(new URL(server.url).port);
}
