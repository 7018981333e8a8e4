import type { ConnectionOptions } from "node:tls";
import { requireKnown } from "@agent-keys/core/enforce";
import type { Connect, RedisAddress } from "./connection.ts";
import { nodeRedis } from "./node-redis.ts";

/** What `redisStore` takes. */
export interface RedisStoreOptions {
  /**
   * `redis://host:6379`, or `rediss://…` with TLS, as which anything but loopback has to be. A list names
   * the servers of one replicated Redis, or nodes of one cluster: whichever answers as master is asked. A
   * user, password and database number may stand in it, and are then the same in all.
   */
  readonly url: string | readonly string[];
  /** What all keys begin with, in braces, so that a cluster keeps them together. Default `agent-keys`. */
  readonly prefix?: string | undefined;
  /** For TLS: `{ ca }` of your own authority, `{ cert, key }` of a client. Needs `rediss:`. */
  readonly tls?: ConnectionOptions | undefined;
  /** The ACL user. Default: that of the URL. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * A file, 0600, of the revocations that this process knows: what it hands over again when Redis has
   * forgotten it while no process ran. Each process has one of its own.
   */
  readonly journal?: string | undefined;
  /** Allows `redis:` beyond loopback: whoever is on the way reads the password and changes counts. */
  readonly allowPlaintext?: boolean | undefined;
  /** Another client than node-redis, such as ioredis: makes one connection to an address. */
  readonly connect?: Connect | undefined;
}

/** The options, checked. */
export interface OpenOptions {
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]];
  readonly prefix: string;
  readonly journal: string | undefined;
  readonly connect: Connect;
}

const KNOWN: readonly string[] = [
  "url",
  "prefix",
  "tls",
  "username",
  "password",
  "journal",
  "allowPlaintext",
  "connect",
];
const DEFAULT_PORT = 6379;
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** @throws TypeError naming the option that is wrong. */
export function parseOptions(options: RedisStoreOptions): OpenOptions {
  requireKnown("redisStore: ", options, KNOWN);
  const { url, prefix = "agent-keys", tls, journal, allowPlaintext = false, connect } = options;
  const [first, ...others] = (Array.isArray(url) ? url : [url]).map(parseUrl);
  if (first === undefined) throw wrong("url", "must name at least one server");
  for (const one of others) {
    const same = (["protocol", "username", "password", "pathname"] as const).every(
      (part) => one[part] === first[part],
    );
    if (!same) throw wrong("url", "must be the same in all but host and port");
  }
  const secure = first.protocol === "rediss:";
  if (tls !== undefined && !secure) throw wrong("tls", "needs a URL that begins with rediss:");
  const far = [first, ...others].find((one) => !LOOPBACK.has(one.hostname));
  if (!secure && !allowPlaintext && far !== undefined) {
    throw wrong("url", `must be rediss: for ${far.hostname}, or allowPlaintext must be true`);
  }
  if (typeof prefix !== "string" || !/^[^{}\s]{1,100}$/.test(prefix)) {
    throw wrong("prefix", "must be 1 to 100 characters, without braces and space");
  }
  if (journal !== undefined && (typeof journal !== "string" || journal === "")) {
    throw wrong("journal", "must be a path");
  }
  if (connect !== undefined && typeof connect !== "function") {
    throw wrong("connect", "must be a function");
  }
  return {
    addresses: [addressOf(first), ...others.map(addressOf)],
    prefix: `{${prefix}}:`,
    journal,
    connect:
      connect ??
      nodeRedis({
        username: options.username ?? written(first.username),
        password: options.password ?? written(first.password),
        database: databaseOf(first),
        tls: secure ? (tls ?? {}) : undefined,
      }),
  };
}

function parseUrl(given: unknown): URL {
  const url = typeof given === "string" ? URL.parse(given) : null;
  // What is wrong with it is not said: it may hold a password.
  if (url === null || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") {
    throw wrong("url", "must be redis://host:port or rediss://host:port");
  }
  return url;
}

function addressOf({ hostname, port }: URL): RedisAddress {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: port === "" ? DEFAULT_PORT : Number(port) };
}

function databaseOf({ pathname }: URL): number {
  if (!/^\/?\d{0,4}$/.test(pathname)) throw wrong("url", "must have a number for a path, if any");
  return Number(pathname.slice(1));
}

function written(part: string): string | undefined {
  return part === "" ? undefined : decodeURIComponent(part);
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`redisStore: ${option}: ${what}`);
}
