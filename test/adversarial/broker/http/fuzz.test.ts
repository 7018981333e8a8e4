import type { AuditEventOf } from "@agent-keys/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seeded } from "../../seeded.ts";
import { connections } from "./fuzz-grammar.ts";
import { GRANTS, type ReadRequest, readWithinGrants } from "./fuzz-reader.ts";
import { sendBytes } from "./raw-client.ts";
import { openStand, type Stand } from "./stand.ts";
import type { StrictRequest } from "./strict-request.ts";

const SCOPES = {
  read: ["GET /teams/:team", "GET /teams/:team/notes/:note{int}?page{int}"],
  post: [
    {
      route: "POST /teams/:team/post?dry",
      json: { channel: "string", text: "string" },
      form: { channel: "string", text: "string" },
    },
  ],
  files: ["GET /files/:path*", "PUT /files/:path*"],
  upload: ["POST /uploads"],
  // Beyond every grant of the fuzzer's key.
  admin: ["DELETE /teams/:team", "DELETE /files/:path*", "POST /admin"],
} as const;

const CONNECTIONS = 1_000;
const PATIENCE = { firstMs: 150, nextMs: 60 };

/** Ends what can be ended: behind an answer to this, the broker closes. */
const LAST = "GET /healthz HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n";

test(
  "whatever reaches the upstream was decided on, whatever was sent",
  { timeout: 240_000 },
  async () => {
    const { seed } = seeded("http fuzz", 20_261_124);
    await using stand = await openStand({ service: { scopes: SCOPES } });
    const tally = { sent: 0, upstream: 0, begun: 0, announced: 0, scopes: new Set<string>() };
    await fc.assert(
      fc.asyncProperty(connections, async ({ requests, cut }) => {
        const key = stand.mint(GRANTS);
        const texts = requests.map(({ head, body }) =>
          `${head}${body}`.replaceAll("KEY", `Authorization: Bearer ${key}`),
        );
        const pieces =
          cut === undefined ? [texts.join("")] : texts.flatMap((text) => inTwo(text, cut));
        const bytes = [...pieces, LAST].map((text) => Buffer.from(text, "latin1"));
        // A body that broke off is seen when its connection ends, which may be in a later exchange.
        tally.begun += stand.upstream.begun.length;
        const exchange = () => sendBytes(stand.url, bytes, PATIENCE);
        const { read, announced } = await decided(stand, key, exchange);
        tally.announced += announced;
        tally.sent += requests.length;
        tally.upstream += read.length;
        for (const { scope } of read) tally.scopes.add(scope);
      }),
      { numRuns: CONNECTIONS, seed, endOnFailure: true },
    );
    console.log(`http fuzz: ${tally.sent} requests, ${tally.upstream} of them upstream`);
    // A head that went out before its body broke off was decided on as well.
    tally.begun += stand.upstream.begun.length;
    expect(tally.upstream + tally.begun).toBeLessThanOrEqual(tally.announced);
    // Not a fuzzer of refusals.
    expect(tally.upstream).toBeGreaterThan(400);
    expect(tally.scopes.size).toBe(GRANTS.length);
  },
);

/** The upstream's requests of one exchange, each held against its line of the record. */
async function decided(
  stand: Stand,
  key: string,
  exchange: () => Promise<unknown>,
): Promise<{ readonly read: readonly ReadRequest[]; readonly announced: number }> {
  const { upstream } = stand;
  upstream.reset();
  const before = stand.events.length;
  await exchange();
  const lines = await settled(stand, before);
  expect(upstream.ambiguous).toEqual([]);
  expect(upstream.requests.length).toBeLessThanOrEqual(lines.length);
  expect(Buffer.concat(upstream.bytes).includes(key)).toBe(false);
  const open = [...lines];
  const read = upstream.requests.map((request) => {
    const one = readWithinGrants(request, upstream.host);
    const at = open.findIndex((line) => isOf(line, one, request));
    if (at === -1) throw new Error(`not on record: ${request.method} ${request.target}`);
    open.splice(at, 1);
    return one;
  });
  return { read, announced: lines.length };
}

type Allowed = AuditEventOf<"request.allowed">;

/** Whether a line announces the request, under the very grant that covers it. */
function isOf(
  line: Allowed,
  { method, route, scope }: ReadRequest,
  { target }: StrictRequest,
): boolean {
  const [grant, ...others] = line.grants;
  if (line.method !== method || line.route !== route || line.service !== "hub") return false;
  const wanted = GRANTS.find((one) => typeof one === "object" && one.scope === scope);
  expect([target, others]).toEqual([target, []]);
  expect({ scope: grant?.scope, where: grant?.where }).toEqual({
    where: undefined,
    ...Object(wanted),
  });
  return true;
}

/** The announcements since, once each has its outcome. */
async function settled(stand: Stand, before: number): Promise<readonly Allowed[]> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const events = stand.events.slice(before);
    const lines = events.filter((event): event is Allowed => event.type === "request.allowed");
    const ended = events.filter(({ type }) => type === "request.completed").length;
    if (ended >= lines.length) return lines;
  }
}

function inTwo(text: string, cut: number): readonly string[] {
  const at = Math.floor(text.length * cut);
  return [text.slice(0, at), text.slice(at)];
}
