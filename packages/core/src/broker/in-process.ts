import type { KeyObject } from "node:crypto";
import type { AuditLog } from "../audit/emitter.ts";
import type { Clock } from "../clock.ts";
import type { Policy } from "../policy.ts";
import type { SecretInput } from "../secret-source.ts";
import type { Store } from "../store/store.ts";
import type { FindKey } from "../token/verify.ts";

/**
 * The method by which a service, made by `defineService`, lends its engine to keys in the same process:
 * a registered symbol, so that this package needs no other.
 */
export const CONNECT: unique symbol = Symbol.for("agent-keys.connect.v1") as never;

/** A service as core knows it: enough to send requests to it, and to find its engine. */
export interface ConnectableService {
  readonly name: string;
  /** Scheme, host and path prefix, without a slash at the end. */
  readonly baseUrl: URL;
  /** Must not wait: what is heavy is loaded with the first request. */
  [CONNECT](host: InProcessHost): InProcess;
}

/** What an engine in process decides with: the keys' own issuer, state and record. */
export interface InProcessHost {
  readonly issuer: string;
  /** The one audience: the origin, on no network, under which requests come. */
  readonly audience: string;
  readonly policy: Policy | "allow-all";
  readonly findKey: FindKey;
  readonly store: Store;
  readonly audit: AuditLog;
  /** Keys the digests of redacted values. */
  readonly auditKey: KeyObject;
  /** Names whose constraint values are digested on the record. */
  readonly redact: ReadonlySet<string>;
  readonly now: Clock;
  /** Every service, the one whose method is called among them. */
  readonly services: readonly ConnectableService[];
  /** By service. References are read by the engine. */
  readonly secrets: Readonly<Record<string, SecretInput>>;
}

/** A broker's engine in this process. */
export interface InProcess {
  /**
   * Answers `<audience>/<service>/<path>` as a broker would: with its statuses and headers, redirects as
   * they are. The key is in `Authorization: Bearer`. Rejects as `fetch` does, with the reason of
   * `request.signal` when that aborts.
   */
  handle(request: Request): Promise<Response>;
  /** Ends the connections that it keeps open. */
  close(): Promise<void>;
}
