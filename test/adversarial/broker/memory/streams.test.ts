import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseLine } from "@agent-keys/core/audit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "../ask.ts";
import { AGENT, ISSUER, openIssuer } from "../issuer.ts";
import { type BrokerProcess, startBroker } from "../started-broker.ts";
import { openStream, type Stream } from "../stream.ts";
import { openUpstream, type Upstream } from "../upstream.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-broker-streams-"));
const audit = join(directory, "audit.jsonl");
const STREAMS = 1_000;
const EVENTS = 3;
/** What a stream may leave behind, on average, when it has ended. */
const LEFT_BYTES = 1_000;

/** Answers that the upstream holds open. */
const held = new Set<ServerResponse>();
let upstream: Upstream;
let broker: BrokerProcess;
let url: string;
let token: string;

beforeAll(async () => {
  upstream = await openUpstream((_request, response) => {
    held.add(response);
    response.once("close", () => held.delete(response));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
  });
  broker = await startBroker(["--expose-gc", "--max-old-space-size=128"]);
  const issuer = openIssuer();
  url = await broker.open({
    issuer: ISSUER,
    agent: AGENT,
    jwks: issuer.jwks,
    upstream: upstream.url,
    secret: "the-credential",
    port: 0,
    audit,
    limits: { stopMs: 300 },
  });
  ({ token } = issuer.keysFor(url).mint({ scope: "tickets:read", expiresIn: "10m" }));
});
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Opens all of them, and has each told a few events. */
async function hold(): Promise<readonly Stream[]> {
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => openStream(url, token)));
  expect(held.size).toBe(STREAMS);
  for (let event = 0; event < EVENTS; event += 1) {
    for (const response of held) response.write(`data: ${event}\n\n`);
    await expect
      .poll(() => Math.min(...streams.map(({ pieces }) => pieces())), { timeout: 30_000 })
      .toBeGreaterThan(event);
  }
  return streams;
}

async function ends(streams: readonly Stream[]): Promise<Record<string, number>> {
  const told: Record<string, number> = {};
  for (const { how } of await Promise.all(streams.map(({ ended }) => ended))) {
    told[how] = (told[how] ?? 0) + 1;
  }
  return told;
}

async function bytesInUse(): Promise<number> {
  const { heapUsed, arrayBuffers } = await broker.memory();
  return heapUsed + arrayBuffers;
}

test("1,000 streams are held at once, and end as the upstream ends them", async () => {
  const before = await bytesInUse();
  const streams = await hold();
  const during = await bytesInUse();
  for (const response of held) response.end();
  expect(await ends(streams)).toEqual({ whole: STREAMS });
  // A second time: what the first one compiled, and grew tables to, is there.
  const after = await bytesInUse();
  const again = await hold();
  for (const response of held) response.end();
  expect(await ends(again)).toEqual({ whole: STREAMS });
  const later = await bytesInUse();
  const each = Math.round((during - before) / STREAMS);
  console.log(
    `${each} bytes a stream; ${before} before, ${after} after, ${later} after as many again`,
  );
  expect(later - after).toBeLessThan(LEFT_BYTES * STREAMS);
});

test("when clients go away, so do the requests to the upstream", async () => {
  const streams = await hold();
  const gone = [...held].map((response) => once(response, "close"));
  for (const { close } of streams) close();
  await Promise.all(gone);
  expect(held.size).toBe(0);
});

test("when the upstream breaks off, no stream ends as if it were whole", async () => {
  const streams = await hold();
  for (const response of held) response.destroy();
  expect(await ends(streams)).toEqual({ cut: STREAMS });
});

test("a stop cuts what is left after its time, and every request is on record with its end", async () => {
  const streams = await hold();
  const ended = ends(streams);
  const startedMs = performance.now();
  expect(await broker.close()).toBe(0);
  console.log(`stopped in ${Math.round(performance.now() - startedMs)} ms`);
  expect(await ended).toEqual({ cut: STREAMS });
  const events = readFileSync(audit, "utf8").split("\n").map(parseLine);
  const count = (type: string): number => events.filter((event) => event?.type === type).length;
  expect([count("request.allowed"), count("request.completed")]).toEqual([
    5 * STREAMS,
    5 * STREAMS,
  ]);
  await expect(ask(`${url}/tickets/tickets`, token)).rejects.toThrow("ECONNREFUSED");
});
