import {
  AgentKeyError,
  type AgentKeys,
  type AgentKeysOptions,
  createAgentKeys,
  memorySink,
  memoryStore,
  verifyKey,
  type VerifyKeyOptions,
} from "@agent-keys/core";
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** 2026-01-01T00:00:00Z: when tests start, unless they say otherwise. */
export const NOW: number = Date.UTC(2026, 0, 1);
export const ISSUER = "urn:desk";
export const AUDIENCE = "https://tickets.example";

type Json = Record<string, unknown>;

/** What came of a token: why it was refused, or `"served"`, and how often a body ran for it. */
export interface Attempt {
  readonly code: string;
  readonly bodies: number;
}

/** An issuer, whoever forges with its key, and everything that accepts its tokens. */
export interface Desk extends AsyncDisposable {
  readonly keys: AgentKeys;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The header and claims of a token that was just minted: a fresh object each time. */
  parts(): { header: Json; claims: Json };
  /** A token of any header and claims, signed by the issuer's own key unless told otherwise. */
  forge(claims?: unknown, header?: unknown, key?: KeyObject): string;
  /**
   * Presents a token to all that accept this issuer's: `keys.verify`, `verifyKey` in process, and an
   * HTTP API on loopback. They have to agree; the bodies behind all three are counted.
   */
  attempt(token: unknown): Promise<Attempt>;
}

/** Every face served it: what a test changes next is what refuses. */
export const SERVED: Attempt = { code: "served", bodies: 3 };

/** Every face refused it with this code, and no body ran. */
export function refused(code = "token_invalid"): Attempt {
  return { code, bodies: 0 };
}

/** Opens an issuer and the API that accepts it. */
export async function openDesk(options: Partial<AgentKeysOptions> = {}): Promise<Desk> {
  const privateKey = generateKeyPairSync("ed25519").privateKey;
  const { now = () => NOW } = options;
  const store = memoryStore({ now });
  const keys = createAgentKeys({
    agent: "bot",
    policy: "allow-all",
    signingKey: privateKey,
    issuer: ISSUER,
    audience: AUDIENCE,
    audit: memorySink(),
    store,
    now,
    ...options,
  });
  const { issuer = ISSUER, audience = AUDIENCE } = options;
  const accepted: VerifyKeyOptions = {
    jwks: keys.jwks(),
    issuer,
    audience,
    request: undefined,
    store,
    now,
  };
  let bodies = 0;
  const tell = async (check: () => Promise<unknown>): Promise<string> => {
    try {
      await check();
    } catch (error) {
      if (error instanceof AgentKeyError) return error.code;
      throw error;
    }
    bodies += 1;
    return "served";
  };
  const api = createServer((request, response) => {
    void text(request)
      .then((token) => tell(() => verifyKey(token, accepted)))
      .then((code) => response.writeHead(code === "served" ? 200 : 401).end(code));
  });
  const url = await listen(api);

  const desk: Desk = {
    keys,
    privateKey,
    publicKey: createPublicKey(privateKey),
    parts() {
      const [header = "", claims = ""] = keys.mint("tickets:read").token.split(".");
      return { header: decode(header), claims: decode(claims) };
    },
    forge(claims = desk.parts().claims, header = desk.parts().header, key = privateKey) {
      const signed = `${encode(header)}.${encode(claims)}`;
      return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
    },
    async attempt(token) {
      const before = bodies;
      const codes = new Set([
        await tell(() => keys.verify(token)),
        await tell(() => verifyKey(token, accepted)),
      ]);
      if (typeof token === "string") {
        const answer = await fetch(url, { method: "POST", body: token });
        codes.add(await answer.text());
      }
      return { code: [...codes].join(" but "), bodies: bodies - before };
    },
    async [Symbol.asyncDispose]() {
      api.close();
      api.closeAllConnections();
      await keys.flush();
    },
  };
  return desk;
}

/** Listens on a free port of loopback. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Base64url of a text or bytes as they are, or of a value's JSON. */
export function encode(part: unknown): string {
  if (Buffer.isBuffer(part)) return part.toString("base64url");
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

function decode(part: string): Json {
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Json;
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
