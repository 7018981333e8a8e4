import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentKeys } from "@agent-keys/core";
import { afterAll, expect, test } from "vitest";
import { AGENT, ISSUER, openIssuer } from "../issuer.ts";
import { type BrokerProcess, startBroker } from "../started-broker.ts";
import { openUpstream } from "../upstream.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-broker-memory-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The whole heap: what is kept of each request would fill it soon enough. */
const HEAP_MB = 64;
const REQUESTS = 20_000;
const AT_ONCE = 40;
/** What may be more after as many requests again: half of what one small object in a list takes. */
const MARGIN_BYTES = 20 * REQUESTS;

test("nothing is kept of requests: three times 20,000", async () => {
  await using upstream = await openUpstream((request, response) => {
    request.resume();
    response.end("a small answer");
  });
  const broker = await startBroker(["--expose-gc", `--max-old-space-size=${HEAP_MB}`]);
  const issuer = openIssuer();
  const url = await broker.open({
    issuer: ISSUER,
    agent: AGENT,
    jwks: issuer.jwks,
    upstream: upstream.url,
    secret: "the-credential",
    port: 0,
    audit: join(directory, "many.jsonl"),
  });
  const keys = issuer.keysFor(url);
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const used: number[] = [];
  const told = new Map<string, number>();
  for (let round = 0; round < 3; round += 1) {
    // The first round fills what is remembered up to a bound, and compiles.
    await send(url, keys, agent, told);
    upstream.seen.length = 0;
    used.push(await bytesInUse(broker));
  }
  agent.destroy();
  const [once = 0, twice = 0, thrice = 0] = used;
  const more = Math.min(twice - once, thrice - twice);
  console.log(`${used.join(", ")} bytes in use; ${[...told].join(" ")}`);
  expect(more).toBeLessThan(MARGIN_BYTES);
  const tenth = (3 * REQUESTS) / 10;
  expect(Object.fromEntries(told)).toEqual({ 200: 7 * tenth, 401: tenth, 404: tenth, left: tenth });
  expect(await broker.close()).toBe(0);
});

async function bytesInUse(broker: BrokerProcess): Promise<number> {
  const { heapUsed, arrayBuffers } = await broker.memory();
  return heapUsed + arrayBuffers;
}

/** Good ones, with an old key and with new ones; refused ones; and some whose client goes away. */
async function send(
  url: string,
  keys: AgentKeys,
  agent: Agent,
  told: Map<string, number>,
): Promise<void> {
  const grants = ["tickets:read", "tickets:write"].map(
    (scope) => ({ scope, expiresIn: "5m" }) as const,
  );
  const { token } = keys.mint(grants);
  const body = JSON.stringify({ title: "a title" });
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < REQUESTS; at = next++) {
      const path = at % 10 === 0 ? "/tickets/nowhere/at/all" : "/tickets/tickets";
      const fresh = at % 10 === 1 || at % 10 === 2;
      const forged = at % 10 === 3;
      const key = forged
        ? `${token.slice(0, -8)}AAAAAAAA`
        : fresh
          ? keys.mint(grants).token
          : token;
      const status = await one(`${url}${path}`, key, {
        agent,
        body: at % 10 === 4 ? body : undefined,
        leave: at % 10 === 5,
      });
      told.set(status, (told.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function one(
  url: string,
  key: string,
  {
    agent,
    body,
    leave,
  }: { readonly agent: Agent; readonly body: string | undefined; readonly leave: boolean },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const headers = { authorization: `Bearer ${key}`, ...type };
    const method = body === undefined ? "GET" : "POST";
    const request = httpRequest(url, { method, headers, agent }, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () => resolve(String(response.statusCode)));
    });
    request.on("error", (error) => (leave ? resolve("left") : reject(error)));
    request.end(body);
    // Once it is sent, and before it is answered.
    if (leave) request.once("finish", () => setImmediate(() => request.destroy(new Error("left"))));
  });
}
