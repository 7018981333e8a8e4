import { bearer, defineService } from "@agent-keys/broker";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, expect, test } from "vitest";
import { openRawUpstream } from "./raw-upstream.ts";
import { openStand } from "./stand.ts";

interface Address {
  readonly address: string;
  readonly family: number;
}

const systemLookup = dns.lookup;
afterEach(() => resolveBy(systemLookup));

function resolveBy(lookup: typeof dns.lookup): void {
  dns.lookup = lookup;
  syncBuiltinESMExports();
}

const NAME = "rebound.example";

/** Lets one name resolve to what a test says; any other as before. Counts how often it is asked for. */
function resolveName(answer: (asked: number) => readonly Address[]): { asked: number } {
  const count = { asked: 0 };
  const lookup = (host: string, options: dns.LookupAllOptions, done: Done): void => {
    if (host !== NAME) return systemLookup(host, options, done as never);
    count.asked += 1;
    const found = answer(count.asked);
    const [first] = found;
    setImmediate(() => {
      if (options.all) done(null, found);
      else done(null, first?.address, first?.family);
    });
  };
  resolveBy(lookup as unknown as typeof dns.lookup);
  return count;
}

type Done = (error: null, found: unknown, family?: number) => void;

/** What an inner service at `baseUrl` comes to, when nobody said that it may be private. */
async function askService(baseUrl: string): Promise<{ status: number; code: string }> {
  const far = defineService({
    name: "far",
    baseUrl,
    credential: bearer(),
    scopes: { read: ["GET /x"] },
  });
  await using stand = await openStand({ others: [far], broker: { limits: { connectMs: 700 } } });
  const { statuses, codes } = await stand.ask("/far/x", { key: stand.mint("far:read") });
  return { status: statuses[0] ?? 0, code: codes[0] ?? "" };
}

test.each([
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "0x7f.0.0.1",
  "0",
  "0.0.0.0",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::127.0.0.1]",
  "localhost",
  "LOCALHOST",
  "localhost.",
  "①②⑦.0.0.1",
])("a service at %s is not connected to, unless it says so", async (host) => {
  await using inner = await openRawUpstream();
  const { port } = new URL(inner.url);
  expect(await askService(`https://${host}:${port}`)).toEqual({
    status: 502,
    code: "upstream_unavailable",
  });
  expect(inner.connections).toBe(0);
});

test.each([
  "169.254.169.254",
  "[fd00:ec2::254]",
  "[64:ff9b::a9fe:a9fe]",
  "[2002:a9fe:a9fe::]",
  "10.0.0.1",
  "100.100.100.200",
  "[fe80::1]",
])("a service at %s is refused before it could time out", async (host) => {
  const startedMs = performance.now();
  expect((await askService(`https://${host}`)).status).toBe(502);
  expect(performance.now() - startedMs).toBeLessThan(690);
});

test("http is no address of a public service", () => {
  expect(() =>
    defineService({
      name: "far",
      baseUrl: "http://x.example",
      credential: bearer(),
      scopes: { read: ["GET /x"] },
    }),
  ).toThrow("must be https");
});

/** Routable by its look, and given to nobody: a connection to it fails. */
const PUBLIC = { address: "2e00::1", family: 6 };
const LOOPBACK = { address: "127.0.0.1", family: 4 };

test.each([
  ["loopback", [LOOPBACK]],
  ["the metadata service", [{ address: "169.254.169.254", family: 4 }]],
  ["a mapped address", [{ address: "::ffff:127.0.0.1", family: 6 }]],
  ["a public address and loopback", [PUBLIC, LOOPBACK]],
  ["nothing", []],
])("a name that resolves to %s is not connected to", async (_what, addresses) => {
  await using inner = await openRawUpstream();
  const count = resolveName(() => addresses);
  const { status } = await askService(`https://${NAME}:${new URL(inner.url).port}`);
  expect([status, inner.connections, count.asked]).toEqual([502, 0, 1]);
});

test("a name that changes its address behind the check is connected to where it was checked", async () => {
  await using inner = await openRawUpstream();
  const count = resolveName((asked) => [asked === 1 ? PUBLIC : LOOPBACK]);
  const { code } = await askService(`https://${NAME}:${new URL(inner.url).port}`);
  expect([code, count.asked, inner.connections]).toEqual(["upstream_unavailable", 1, 0]);
});
