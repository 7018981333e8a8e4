import { requireKnown } from "@agent-keys/core/enforce";

/** How much, how many and how long. Each has its own refusal. */
export interface Limits {
  /** The request line and headers, in bytes. Default 16 KiB. Beyond: `request_too_large`. */
  readonly headerBytes: number;
  /** A request's body, in bytes. Default 64 MiB. Beyond: `request_too_large`. */
  readonly bodyBytes: number;
  /**
   * A body that something constrains, which has to be read whole before it is decided on, in bytes.
   * Default 4 MiB. Beyond: `request_too_large`.
   */
  readonly decidedBodyBytes: number;
  /**
   * Until such a body is there. Default 15 seconds: beyond, it holds memory and a place for nobody.
   * `request_invalid`, 408.
   */
  readonly decidedBodyMs: number;
  /**
   * Such bodies of all requests under way, in bytes: they are held until the request is done. Default
   * 256 MiB. Beyond: `limit_exceeded`.
   */
  readonly heldBodyBytes: number;
  /** The same of one issuer. Default 64 MiB. Beyond: `limit_exceeded`. */
  readonly heldBodyBytesPerIssuer: number;
  /** Requests of one issuer at the same time. Default 4,096. Beyond: `limit_exceeded`. */
  readonly concurrentRequests: number;
  /**
   * Revocations of one issuer that stand at the same time. Default 10,000. Beyond: the notice is refused
   * as a whole, `limit_exceeded`; but for `all` and `issuer`, which are never refused.
   */
  readonly revocations: number;
  /**
   * Keys that one issuer may say are closed, in a minute: each is remembered for as long as it could live.
   * Default 60,000. Beyond: `limit_exceeded`, and they live until they expire.
   */
  readonly closesPerMinute: number;
  /**
   * What one issuer may revoke and restore in a minute: each is written down. Default 3,000. Beyond:
   * `limit_exceeded`; but `all` and `issuer` are revoked, whatever else was.
   */
  readonly actsPerMinute: number;
  /** Connections to the broker at the same time. Default 16,384. Beyond: closed at once. */
  readonly connections: number;
  /** Until the store has set a use aside. Default 5 seconds. Beyond: `store_unavailable`. */
  readonly storeMs: number;
  /** Until an upstream has accepted a connection. Default 10 seconds. `upstream_unavailable`, 504. */
  readonly connectMs: number;
  /** Until an upstream has begun its answer. Default 5 minutes. `upstream_unavailable`, 504. */
  readonly answerMs: number;
  /** Between two pieces of an upstream's answer. Default 5 minutes. The answer breaks off. */
  readonly idleMs: number;
  /** A whole request, with its answer. Default 15 minutes. The answer breaks off. */
  readonly totalMs: number;
  /** How long a stop waits for requests in flight. Default 30 seconds. Then they break off. */
  readonly stopMs: number;
}

const DEFAULTS: Limits = {
  headerBytes: 16 * 1024,
  bodyBytes: 64 * 1024 * 1024,
  decidedBodyBytes: 4 * 1024 * 1024,
  decidedBodyMs: 15_000,
  heldBodyBytes: 256 * 1024 * 1024,
  heldBodyBytesPerIssuer: 64 * 1024 * 1024,
  concurrentRequests: 4096,
  revocations: 10_000,
  closesPerMinute: 60_000,
  actsPerMinute: 3_000,
  connections: 16_384,
  storeMs: 5_000,
  connectMs: 10_000,
  answerMs: 5 * 60_000,
  idleMs: 5 * 60_000,
  totalMs: 15 * 60_000,
  stopMs: 30_000,
};

/**
 * The limits, with what is not said filled in.
 *
 * @throws TypeError naming the one that is unknown, or not a positive whole number.
 */
export function parseLimits(limits: Partial<Limits> = {}): Limits {
  requireKnown("limits.", limits, Object.keys(DEFAULTS));
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new TypeError(`limits.${name}: must be a positive whole number`);
    }
  }
  const said = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(said) };
}
