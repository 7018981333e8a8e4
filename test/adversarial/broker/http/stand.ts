import {
  bearer,
  type BrokerOptions,
  createBroker,
  defineService,
  type IssuerOptions,
  type Service,
  type ServiceDefinition,
} from "@agent-keys/broker";
import {
  type AgentKeys,
  type AgentKeysOptions,
  type AuditEvent,
  createAgentKeys,
  type GrantInput,
  memorySink,
} from "@agent-keys/core";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { openRawUpstream, type RawAnswer, type RawUpstream } from "./raw-upstream.ts";
import { type RawAnswers, sendBytes } from "./raw-client.ts";

export const ISSUER = "https://agents.example";
export const AGENT = "hub-bot";
export const SECRET = "s3cr3t/Zy0PwQ3+LkS8v~c4n4ry";

/** Everything that a test may ask for, if its key allows it. */
const SCOPES: ServiceDefinition["scopes"] = {
  any: ["GET /", "GET /:path*", "POST /:path*", "PUT /:path*", "PATCH /:path*", "DELETE /:path*"],
};

/** What a test may change. */
export interface StandOptions {
  readonly answer?: RawAnswer;
  readonly service?: Partial<ServiceDefinition>;
  /** Beside the one that the upstream is behind. Their secret is the same. */
  readonly others?: readonly Service[];
  readonly broker?: Partial<BrokerOptions>;
  readonly issuer?: Partial<IssuerOptions>;
  readonly secret?: string;
}

/** A request in parts, sent over a socket as it is: nothing normalises its path or its names. */
interface Asked {
  readonly method?: string;
  readonly key?: string;
  /** `Name: value`. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer | undefined;
}

/** A broker, the upstream behind it, and who mints for it. */
export interface Stand extends AsyncDisposable {
  readonly url: string;
  readonly upstream: RawUpstream;
  readonly privateKey: KeyObject;
  readonly events: readonly AuditEvent[];
  /** Someone who mints with the issuer's key: by itself the issuer, for this broker. */
  minter(options?: Partial<AgentKeysOptions>): AgentKeys;
  mint(grants?: GrantInput): string;
  /** A request of its own connection, which the broker closes. */
  ask(path: string, asked?: Asked): Promise<RawAnswers>;
}

export async function openStand(options: StandOptions = {}): Promise<Stand> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const upstream = await openRawUpstream(options.answer);
  const sink = memorySink();
  const minter = (audience: string, more: Partial<AgentKeysOptions> = {}): AgentKeys =>
    createAgentKeys({
      agent: AGENT,
      policy: "allow-all",
      signingKey: privateKey,
      issuer: ISSUER,
      audience,
      audit: memorySink(),
      ...more,
    });
  const definition: ServiceDefinition = {
    name: "hub",
    baseUrl: upstream.url,
    credential: bearer(),
    scopes: SCOPES,
    network: "private",
    ...options.service,
  };
  // Of a definition whose names nobody knows, the type says that there are none.
  const hub = defineService(definition) as unknown as Service;
  const services = [hub, ...(options.others ?? [])];
  const { secret: value = SECRET } = options;
  const secret = { name: "test", read: async () => ({ value }) };
  const broker = createBroker({
    issuers: {
      [ISSUER]: {
        jwks: minter("https://nowhere.example").jwks(),
        agents: [AGENT],
        policy: "allow-all",
        ...options.issuer,
      },
    },
    services,
    secrets: Object.fromEntries(services.map(({ name }) => [name, secret])),
    port: 0,
    audit: sink,
    ...options.broker,
  });
  const { url } = await broker.listen();
  const keys = minter(url);
  const stand: Stand = {
    url,
    upstream,
    privateKey,
    get events() {
      return sink.events;
    },
    minter: (more) => minter(url, more),
    mint: (grants = "hub:any") => keys.mint(grants).token,
    ask(path, { method = "GET", key = stand.mint(), headers = [], body } = {}) {
      const lines = [`${method} ${path} HTTP/1.1`, "Host: broker", "Connection: close"];
      if (key !== "") lines.push(`Authorization: Bearer ${key}`);
      lines.push(...headers);
      const framed = lines.some((line) => /^(?:content-length|transfer-encoding):/i.test(line));
      if (body !== undefined && !framed) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
      const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
      return sendBytes(url, [Buffer.concat([head, Buffer.from(body ?? "")])]);
    },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await broker.close();
    },
  };
  return stand;
}

/** What the record says was allowed. */
export function allowed(stand: Stand): readonly AuditEvent[] {
  return stand.events.filter(({ type }) => type === "request.allowed");
}

/** What a request came to, in all the places where something could have happened. */
export interface Came {
  readonly status: number;
  readonly code: string;
  /** How many bytes the upstream saw. */
  readonly upstream: number;
  /** How many requests the record announces. */
  readonly allowed: number;
}

/** What is to come of a request that is refused. */
export function refused(status: number, code: string): Came {
  return { status, code, upstream: 0, allowed: 0 };
}

/** What came of the only request so far. */
export function came(stand: Stand, { statuses, codes }: RawAnswers): Came {
  return {
    status: statuses[0] ?? 0,
    code: codes[0] ?? "",
    upstream: Buffer.concat(stand.upstream.bytes).length,
    allowed: allowed(stand).length,
  };
}
