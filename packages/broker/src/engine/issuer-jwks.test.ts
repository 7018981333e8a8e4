import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { afterEach, expect, test, vi } from "vitest";
import { AGENT, ISSUER, type Setup, setup } from "../../test/setup.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** An issuer's server, which may be there or not, always at one address. */
async function openIssuer() {
  let answer: RequestListener = () => undefined;
  let asked = 0;
  const server: Server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/jwks.json`,
    asked: () => asked,
    answers: (how: RequestListener) => void (answer = how),
    serves: (...signingKeys: readonly KeyObject[]) => {
      const keys = signingKeys.flatMap((signingKey) => mintedBy(signingKey, "x").jwks().keys);
      answer = (_request, response) => response.end(JSON.stringify({ keys }));
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
    async start() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
  };
}

function mintedBy(signingKey: KeyObject, audience: string) {
  const audit = memorySink();
  const options = { agent: AGENT, policy: "allow-all", issuer: ISSUER } as const;
  return createAgentKeys({ ...options, signingKey, audience, audit });
}

async function ask(s: Setup, signingKey: KeyObject): Promise<string | null> {
  const key = mintedBy(signingKey, s.url).mint("tickets:read").token;
  const answer = await s.ask("/tickets/tickets/1", { key });
  await answer.text();
  return answer.headers.get("agent-keys-code");
}

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;

test("a key that is rotated in is found, and one that is rotated out is no longer", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const issuer = await openIssuer();
  const [older, newer] = [newKey(), newKey()];
  issuer.serves(older);
  await using s = await setup({ issuer: { jwks: issuer.url } });
  expect(await ask(s, older)).toBeNull();
  expect(await ask(s, older)).toBeNull();
  expect(issuer.asked()).toBe(1);
  // Whoever makes up names of keys has the set fetched no oftener than every second.
  expect(await ask(s, newer)).toBe("token_invalid");
  expect(issuer.asked()).toBe(1);
  issuer.serves(older, newer);
  vi.setSystemTime(Date.now() + 31_000);
  expect(await ask(s, newer)).toBeNull();
  expect(await ask(s, older)).toBeNull();
  expect(issuer.asked()).toBe(2);
  issuer.serves(newer);
  vi.setSystemTime(Date.now() + 11 * 60_000);
  expect(await ask(s, older)).toBe("token_invalid");
  expect(await ask(s, newer)).toBeNull();
  expect(s.upstream.seen).toHaveLength(5);
  await issuer.stop();
});

test("a made-up name of a key does not keep one unknown that is rotated in", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const issuer = await openIssuer();
  const [older, newer] = [newKey(), newKey()];
  issuer.serves(older);
  await using s = await setup({ issuer: { jwks: issuer.url } });
  const later = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
  const made = newKey();
  expect(await ask(s, older)).toBeNull();
  later(2_000);
  expect(await ask(s, made)).toBe("token_invalid");
  expect(issuer.asked()).toBe(2);
  issuer.serves(older, newer);
  // In that second nothing is fetched, and nothing held against it either.
  expect(await ask(s, newer)).toBe("token_invalid");
  expect(issuer.asked()).toBe(2);
  later(1_100);
  expect(await ask(s, newer)).toBeNull();
  expect(issuer.asked()).toBe(3);
  // The same made-up name has it fetched once in half a minute, and no oftener.
  for (let at = 0; at < 5; at += 1) {
    later(2_000);
    expect(await ask(s, made)).toBe("token_invalid");
  }
  expect(issuer.asked()).toBe(3);
  later(30_000);
  expect(await ask(s, made)).toBe("token_invalid");
  expect(issuer.asked()).toBe(4);
  expect(s.upstream.seen).toHaveLength(2);
  await issuer.stop();
});

test("an issuer that is not there yet refuses its keys until it is, and may go again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const issuer = await openIssuer();
  const signingKey = newKey();
  issuer.serves(signingKey);
  await issuer.stop();
  await using s = await setup({ issuer: { jwks: issuer.url } });
  expect(await ask(s, signingKey)).toBe("issuer_unavailable");
  await issuer.start();
  expect(await ask(s, signingKey)).toBeNull();
  await issuer.stop();
  // What was fetched is good for ten minutes, and then for no more.
  vi.setSystemTime(Date.now() + 9 * 60_000);
  expect(await ask(s, signingKey)).toBeNull();
  vi.setSystemTime(Date.now() + 2 * 60_000);
  expect(await ask(s, signingKey)).toBe("issuer_unavailable");
  expect(s.upstream.seen).toHaveLength(2);
});

const HUGE = JSON.stringify({ keys: [], more: "x".repeat(2 * 1024 * 1024) });

test.each<readonly [string, RequestListener]>([
  ["a page", (_request, response) => response.end("<html>login</html>")],
  ["no set", (_request, response) => response.end("{}")],
  ["a list", (_request, response) => response.end("[]")],
  ["an error", (_request, response) => response.writeHead(500).end('{"keys":[]}')],
  [
    "a way to somebody else",
    (_request, response) => response.writeHead(302, { location: "https://x.example/" }).end(),
  ],
  ["more than any set", (_request, response) => response.end(HUGE)],
  [
    "half of it",
    (_request, response) => response.writeHead(200).write('{"keys":', () => response.destroy()),
  ],
])("an issuer that gives %s refuses its keys", async (_name, answer) => {
  const issuer = await openIssuer();
  issuer.answers(answer);
  await using s = await setup({ issuer: { jwks: issuer.url } });
  expect(await ask(s, newKey())).toBe("issuer_unavailable");
  expect(s.upstream.seen).toEqual([]);
  await issuer.stop();
});

test("an issuer that is registered with EdDSA names that, and nothing else is taken", async () => {
  const from = await setup();
  await from[Symbol.asyncDispose]();
  const keys = from.keys.jwks().keys.map((key) => ({ ...key, alg: "EdDSA" }));
  await using s = await setup({
    issuer: { jwks: { keys }, algorithm: "EdDSA" },
    keys: { signingKey: from.privateKey },
  });
  const named = (alg: string): string => {
    const [head = "", payload = ""] = s.mint().split(".");
    const header = JSON.parse(Buffer.from(head, "base64url").toString()) as object;
    const renamed = Buffer.from(JSON.stringify({ ...header, alg })).toString("base64url");
    const signed = `${renamed}.${payload}`;
    return `${signed}.${sign(null, Buffer.from(signed), from.privateKey).toString("base64url")}`;
  };
  const codeOf = async (key: string): Promise<string | null> => {
    const answer = await s.ask("/tickets/tickets/1", { key });
    await answer.text();
    return answer.headers.get("agent-keys-code");
  };
  expect(await codeOf(named("EdDSA"))).toBeNull();
  for (const alg of ["Ed25519", "ES256", "none", "HS256"]) {
    expect([alg, await codeOf(named(alg))]).toEqual([alg, "token_invalid"]);
  }
  expect(s.upstream.seen).toHaveLength(1);
});
