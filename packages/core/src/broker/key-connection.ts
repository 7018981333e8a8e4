import { inspect } from "node:util";
import * as z from "zod";
import { AgentKeyError } from "../errors.ts";
import { readBounded } from "../token/bounded-fetch.ts";
import { brokerFetch, failureCode } from "./own-fetch.ts";
import type { KeyInUse, Reach } from "./reach.ts";
import { codeIn, explainRefusal } from "./refusal.ts";

const CONNECTIONS_PATH = "/.agent-keys/connections";
const TIMEOUT_MS = 30_000;

/** What a broker answers. */
interface Fields {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
  readonly expiresAtMs: number;
}

const answerSchema: z.ZodType<{ readonly connection: Fields }> = z.object({
  connection: z.object({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535),
    database: z.string().min(1),
    user: z.string().min(1),
    password: z.string().min(1),
    tls: z.boolean(),
    expiresAtMs: z.number(),
  }),
});

/**
 * What a database client logs in with, under one key: a role of its own, which is gone when the key is. It
 * prints, inspects and serialises without the password; whoever has that may do what the key may until
 * the key closes.
 */
export class KeyConnection {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** When the role ends at the latest: with the key. */
  readonly expiresAt: Date;
  readonly #fields: Fields;

  /** @internal Connections are asked for, with `key.connection(name)`. */
  constructor(fields: Fields) {
    this.host = fields.host;
    this.port = fields.port;
    this.database = fields.database;
    this.user = fields.user;
    this.expiresAt = new Date(fields.expiresAtMs);
    this.#fields = fields;
    Object.freeze(this);
  }

  get password(): string {
    return this.#fields.password;
  }

  /** `postgres://…`, with the password: what `pg` and Drizzle take as `connectionString`. */
  get url(): string {
    const { host, port, database, user, password, tls } = this.#fields;
    const at = host.includes(":") ? `[${host}]` : host;
    const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    const mode = tls ? "?sslmode=verify-full" : "";
    return `postgres://${login}@${at}:${port}/${encodeURIComponent(database)}${mode}`;
  }

  toString(): string {
    return `KeyConnection(${this.user}, ${this.host}:${this.port}/${this.database})`;
  }

  toJSON(): string {
    return this.toString();
  }
}

Object.defineProperty(KeyConnection.prototype, inspect.custom, {
  value(this: KeyConnection): string {
    return this.toString();
  },
});

/** Asks the broker for a role in a database. Rejects with AgentKeyError, with the broker's code if it has one. */
export async function connectUnderKey(
  key: Pick<KeyInUse, "token" | "requireUsable">,
  reach: Reach,
  service: string,
): Promise<KeyConnection> {
  if (typeof service !== "string" || !/^[a-z0-9][a-z0-9_-]*$/.test(service)) {
    throw new TypeError("service: must be the name of a database, such as orders-db");
  }
  if (!reach.hasAddress) {
    const detail = "services are connected in process: databases are a broker's alone";
    throw new AgentKeyError("no_broker", { detail });
  }
  key.requireUsable();
  const url = new URL(CONNECTIONS_PATH, reach.origin);
  let response: Response;
  let text: string;
  try {
    response = await brokerFetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key.token}`,
        accept: "application/json",
        "content-type": "application/json",
      },
      body: JSON.stringify({ service }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = new TextDecoder().decode((await readBounded(response)) ?? new Uint8Array());
  } catch (error) {
    throw unavailable(failureCode(error));
  }
  if (!response.ok) {
    const detail = explainRefusal(response, url, key.token);
    throw new AgentKeyError(codeIn(response) ?? "broker_unavailable", { detail });
  }
  return new KeyConnection(fieldsIn(text));
}

function fieldsIn(text: string): Fields {
  try {
    return answerSchema.parse(JSON.parse(text)).connection;
  } catch {
    // Not as its cause: it may quote what was answered.
    throw unavailable("does not answer as a broker does");
  }
}

function unavailable(detail: string): AgentKeyError {
  return new AgentKeyError("broker_unavailable", { detail: `the broker's connections: ${detail}` });
}
