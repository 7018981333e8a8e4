import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import {
  type AgentKeys,
  type AgentKeysOptions,
  type AuditEvent,
  type AuditEventOf,
  type AuditEventType,
  createAgentKeys,
  type GrantInput,
  memorySink,
  type SecretSource,
} from "@agent-keys/core";
import type { BrokerOptions, IssuerOptions } from "../src/config.ts";
import { createBroker } from "../src/create-broker.ts";
import { bearer } from "../src/service/credential.ts";
import type { Service } from "../src/service/service.ts";
import { defineService, type ServiceDefinition } from "../src/service/define-service.ts";

export const ISSUER = "https://agents.example";
export const AGENT = "repo-bot";
export const SECRET = "ghp_c4n4ry/Zy0PwQ3+LkS8v~end";

/** A request as the upstream saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A server on loopback that keeps what it was asked. */
export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly seen: Seen[];
  readonly server: Server;
}

export async function openUpstream(answer: RequestListener = answerOk): Promise<Upstream> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const answerOk: RequestListener = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end('{"ok":true}');
};

/** What a test may change. */
export interface SetupOptions {
  readonly answer?: RequestListener;
  readonly service?: Partial<ServiceDefinition>;
  readonly broker?: Partial<BrokerOptions>;
  readonly issuer?: Partial<IssuerOptions>;
  readonly keys?: Partial<AgentKeysOptions>;
  readonly secret?: SecretSource;
}

/** An upstream, a broker in front of it, and who mints for it. */
export interface Setup extends AsyncDisposable {
  readonly url: string;
  readonly upstream: Upstream;
  readonly keys: AgentKeys;
  readonly privateKey: KeyObject;
  readonly events: readonly AuditEvent[];
  of<T extends AuditEventType>(type: T): readonly AuditEventOf<T>[];
  mint(grants?: GrantInput): string;
  /** `fetch` under a key, `tickets:read` by default. Redirects are not followed. */
  ask(path: string, init?: RequestInit & { readonly key?: string }): Promise<Response>;
  close(): Promise<void>;
}

export const SCOPES: ServiceDefinition["scopes"] = {
  read: ["GET /tickets/:ticketId", "GET /tickets?page{int}", "GET /files/:path*"],
  write: [
    { route: "POST /tickets", json: { title: "string", queue: "string" } },
    "PUT /files/:path*",
    "POST /uploads",
    "DELETE /tickets/:ticketId",
  ],
};

export async function setup(options: SetupOptions = {}): Promise<Setup> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const upstream = await openUpstream(options.answer);
  const sink = memorySink();
  const mintedBy = (audience: string): AgentKeys =>
    createAgentKeys({
      agent: AGENT,
      policy: "allow-all",
      signingKey: privateKey,
      issuer: ISSUER,
      audience,
      audit: memorySink(),
      ...options.keys,
    });
  const definition: ServiceDefinition = {
    name: "tickets",
    baseUrl: upstream.url,
    credential: bearer(),
    scopes: SCOPES,
    network: "private",
    ...options.service,
  };
  // Of a definition whose names nobody knows, the type says that there are none.
  const tickets = defineService(definition) as unknown as Service;
  const broker = createBroker({
    issuers: {
      [ISSUER]: {
        jwks: mintedBy("https://nowhere.example").jwks(),
        agents: [AGENT],
        policy: "allow-all",
        ...options.issuer,
      },
    },
    services: [tickets],
    secrets: { tickets: options.secret ?? secretOf(SECRET) },
    port: 0,
    audit: sink,
    ...options.broker,
  });
  const { url } = await broker.listen();
  const keys = mintedBy(url);
  const mint = (grants: GrantInput = "tickets:read"): string => keys.mint(grants).token;
  return {
    url,
    upstream,
    keys,
    privateKey,
    get events() {
      return sink.events;
    },
    of: <T extends AuditEventType>(type: T) =>
      sink.events.filter((event) => event.type === type) as unknown as readonly AuditEventOf<T>[],
    mint,
    ask(path, { key = mint(), ...init } = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has("authorization")) headers.set("authorization", `Bearer ${key}`);
      return fetch(`${url}${path}`, { redirect: "manual", ...init, headers });
    },
    close: () => broker.close(),
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await broker.close();
    },
  };
}

export function secretOf(...values: readonly string[]): SecretSource {
  let reads = 0;
  return {
    name: "test",
    async read() {
      const value = values[Math.min(reads, values.length - 1)] ?? "";
      reads += 1;
      return { value };
    },
  };
}

/** What a server answers to exact bytes, until it closes the connection. */
export async function sendRaw(url: string, text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A reset is an answer as well.
  socket.on("error", () => undefined);
  socket.write(text);
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

/** A request whose answer is read piece by piece. */
export async function openStream(
  url: string,
  path: string,
  key: string,
): Promise<{ response: IncomingMessage; close: () => void }> {
  const request = httpRequest(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  request.on("error", () => undefined);
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { response, close: () => void request.destroy() };
}
