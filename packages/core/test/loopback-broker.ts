import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { AgentKeyError, type AgentKeys, memoryStore, type Store } from "../src/index.ts";
import {
  claimedIssuer,
  factsOf,
  issuerKeys,
  NOTICE_MAX_LENGTH,
  type NoticeClaims,
  readNotice,
  readToken,
  requireLive,
} from "../src/enforce/index.ts";

/** One request, as it arrived. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A server that records what arrives, on a port of its own. */
export interface Recorder extends AsyncDisposable {
  readonly origin: string;
  readonly seen: Seen[];
  readonly server: Server;
}

type Answer = (seen: Seen, response: ServerResponse) => unknown;

/** Starts a server on loopback. */
export async function recorder(answer: Answer): Promise<Recorder> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void readAll(request).then((body) => {
      const { method = "", url = "", headers } = request;
      const one = { method, url, headers, body };
      seen.push(one);
      return answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** A broker as agents meet it: keys and notices are read by the library's own readers. */
export interface LoopbackBroker extends Recorder {
  /** What came for services, and was let in. */
  readonly admitted: Seen[];
  readonly notices: NoticeClaims[];
  readonly store: Store;
  /** Registers an issuer. */
  trust(keys: AgentKeys, issuer: string): void;
  /** Resolves when so many notices were taken. */
  noticesReach(count: number): Promise<void>;
}

/** What a test's broker answers and which services it tells of. */
export interface LoopbackOptions {
  readonly services?: Readonly<Record<string, string>>;
  readonly answer?: Answer;
  /** Refuses notices, while it returns true. */
  readonly deaf?: () => boolean;
  /** Has no room for more revocations, while it returns true. */
  readonly full?: () => boolean;
}

/** Starts one. */
export async function loopbackBroker(options: LoopbackOptions = {}): Promise<LoopbackBroker> {
  const { services = { github: "https://api.github.com" } } = options;
  const { deaf = () => false, full = () => false } = options;
  const { answer = (_seen, response) => response.end("upstream") } = options;
  const issuers = new Map<string, AgentKeys>();
  const store = memoryStore();
  const admitted: Seen[] = [];
  const notices: NoticeClaims[] = [];
  const waiting = new Set<() => void>();
  const replayed = new Set<string>();

  const expectation = (text: unknown, maxLength?: number) => {
    const issuer = claimedIssuer(text, maxLength) ?? "";
    const keys = issuers.get(issuer);
    if (keys === undefined) throw new AgentKeyError("token_invalid", { detail: "unknown issuer" });
    const findKey = issuerKeys(keys.jwks(), "jwks");
    return { findKey, algorithm: "Ed25519", issuer, audience: base.origin, now: Date.now } as const;
  };
  const takeNotice = async (body: string): Promise<void> => {
    const { notice } = JSON.parse(body) as { notice: string };
    const claims = await readNotice(notice, expectation(notice, NOTICE_MAX_LENGTH));
    if (replayed.has(claims.jti)) throw new AgentKeyError("token_invalid", { detail: "replayed" });
    replayed.add(claims.jti);
    const { iss, closed = [], revoked = [], restored = [] } = claims;
    for (const { id, exp } of closed) store.keys.close({ iss, id, expiresAtMs: exp * 1000 });
    if (revoked.length > 0 && full()) throw new AgentKeyError("limit_exceeded");
    for (const { selector } of revoked)
      await store.keys.revoke({ selector, iss, atMs: Date.now() });
    for (const { selector } of restored) await store.keys.restore(selector, iss);
    notices.push(claims);
    for (const check of waiting) check();
  };
  const serve: Answer = async (seen, response) => {
    try {
      if (seen.url === "/.agent-keys/notices") {
        if (deaf()) throw new AgentKeyError("store_unavailable");
        await takeNotice(seen.body);
        return response.end("{}");
      }
      const token = /^Bearer (.*)$/.exec(String(seen.headers.authorization))?.[1];
      const { claims, kid } = await readToken(token, expectation(token));
      requireLive(store.keys, factsOf(claims, kid));
      if (seen.url === "/.agent-keys/services") {
        const list = Object.entries(services).map(([name, baseUrl]) => ({ name, baseUrl }));
        return response.end(JSON.stringify({ services: list }));
      }
      admitted.push(seen);
      return await answer(seen, response);
    } catch (error) {
      const code = error instanceof AgentKeyError ? error.code : String(error);
      response.writeHead(401, { "agent-keys-code": code });
      return response.end(JSON.stringify({ code, message: "refused" }));
    }
  };
  const base = await recorder(serve);
  return {
    ...base,
    admitted,
    notices,
    store,
    trust: (keys, issuer) => issuers.set(issuer, keys),
    noticesReach: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (notices.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}
