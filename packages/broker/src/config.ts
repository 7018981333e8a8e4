import type { KeyObject } from "node:crypto";
import type { Policy, SecretInput, SinkInput, Store, VerifyKeyOptions } from "@agent-keys/core";
import type { Clock, TokenAlgorithm } from "@agent-keys/core/enforce";
import type { Database } from "./databases/database.ts";
import type { Limits } from "./engine/limits.ts";
import type { TlsFiles } from "./server/server.ts";
import type { Service } from "./service/service.ts";

/** What the broker is told of an issuer. One that it was not told of is refused. */
export interface IssuerOptions {
  /**
   * Its public keys: a JWKS, or the URL it is served at (https, or http on loopback). What
   * `keys.jwks()` of the minting process says.
   */
  readonly jwks: VerifyKeyOptions["jwks"];
  /** Who may act with its keys: names, or prefixes with `*`. Any other agent is refused. */
  readonly agents: readonly string[];
  /** The ceiling, evaluated again at every request. `"allow-all"` must be written out. */
  readonly policy: Policy | "allow-all";
  /** `"EdDSA"` for an issuer registered with the older name. Default `"Ed25519"` (RFC 9864). */
  readonly algorithm?: TokenAlgorithm | undefined;
}

/** What {@link createBroker} takes. */
export interface BrokerOptions {
  /** By the `iss` of their tokens. */
  readonly issuers: Readonly<Record<string, IssuerOptions>>;
  /** Made by `defineService`, or from `@agent-keys/broker/services`. */
  readonly services: readonly Service[];
  /**
   * Where each service's credential is read, by the service's name, and no other: a source, or a reference
   * to one, such as `"vault:kv/github#token"`. A service that is left out is read where
   * `AGENT_KEYS_SECRET_<SERVICE>` in the environment refers to.
   */
  readonly secrets?: Readonly<Record<string, SecretInput>> | undefined;
  /** Made by `definePostgres`: a key's `connection()` gets a role of its own there. Default none. */
  readonly databases?: readonly Database[] | undefined;
  /**
   * Where clients reach the broker, when that is not where it listens: behind a proxy, or by a name. Its
   * origin is the `aud` of every key. `https`, also with `behindTls`; `http` only on loopback. Default: the
   * address that it listens on.
   */
  readonly url?: string | undefined;
  /** Default `"127.0.0.1"`. Any other than loopback needs `tls` or `behindTls`. */
  readonly host?: string | undefined;
  /** Default 4949; 0 for any that is free. */
  readonly port?: number | undefined;
  /** Paths of the certificate and its key, in PEM. */
  readonly tls?: TlsFiles | undefined;
  /** Something in front of the broker ends TLS. Default `false`. */
  readonly behindTls?: boolean | undefined;
  /** Where the record goes. At least one sink. What cannot be put on record is not sent. */
  readonly audit: SinkInput | readonly SinkInput[];
  /** Revocations, closed keys and uses. Default `memoryStore()`. */
  readonly store?: Store | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /**
   * Where revocations outlive the broker: 0600, one line each, appended. Default: they live as long as
   * the store does, which for `memoryStore()` is as long as the process. Without `store`, a small file
   * beside it (`.clock`) says until when keys were counted, so that none is used twice where the clock is
   * set back between two brokers; without either, that can happen. A store that other processes share
   * keeps revocations itself, and takes no such file.
   */
  readonly revocationsFile?: string | undefined;
  /** Keys the digests of redacted values, at least 32 bytes. Default: random, for this process. */
  readonly auditKey?: Uint8Array | KeyObject | undefined;
  /** Names whose constraint values are digested on the record instead of shown. */
  readonly redact?: readonly string[] | undefined;
  /** Milliseconds since the epoch. Default: the system's clock, which here never runs backwards. */
  readonly now?: Clock | undefined;
}

/**
 * The same options, with their types: what `agent-keys.config.ts` exports by default.
 *
 * @example
 * ```ts
 * import { fileSink } from "@agent-keys/core";
 * import { bearer, defineConfig, defineService } from "@agent-keys/broker";
 * import { env } from "@agent-keys/secrets";
 *
 * const tickets = defineService({
 *   name: "tickets",
 *   baseUrl: "https://tickets.example.com",
 *   credential: bearer(),
 *   scopes: { read: ["GET /tickets/:ticketId"] },
 * });
 *
 * export default defineConfig({
 *   issuers: {
 *     "https://agents.example.com": {
 *       jwks: "https://agents.example.com/.well-known/jwks.json",
 *       agents: ["support-bot"],
 *       policy: { "support-bot": { allow: [{ scope: "tickets:read" }] } },
 *     },
 *   },
 *   services: [tickets],
 *   secrets: { tickets: env("TICKETS_TOKEN") },
 *   audit: fileSink("agent-keys.broker.audit.jsonl"),
 * });
 * ```
 */
export function defineConfig(options: BrokerOptions): BrokerOptions {
  return options;
}
