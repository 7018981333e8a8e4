/**
 * Every way Agent Keys says no, as one closed union. The README has a table: code, what it means,
 * what to do.
 */
export type AgentKeyErrorCode =
  | "scope_invalid"
  | "policy_denied"
  | "insufficient_scope"
  | "constraint_failed"
  | "constraint_unbound"
  | "input_invalid"
  | "token_invalid"
  | "key_expired"
  | "key_closed"
  | "key_revoked"
  | "key_used_up"
  | "key_refused"
  | "uses_unenforceable"
  | "use_unknown"
  | "route_unknown"
  | "request_invalid"
  | "request_too_large"
  | "limit_exceeded"
  | "rate_exceeded"
  | "egress_denied"
  | "no_key"
  | "no_broker"
  | "audit_unavailable"
  | "store_unavailable"
  | "issuer_unavailable"
  | "secret_unavailable"
  | "broker_unavailable"
  | "upstream_unavailable"
  | "approval_required";

/** The constant text of each code. A model may read it, so nothing variable but scopes is added. */
const MESSAGES: Readonly<Record<AgentKeyErrorCode, string>> = {
  scope_invalid: "The scope or grant asked for is not valid",
  policy_denied: "Policy does not allow this call",
  insufficient_scope: "The key does not grant the scope this request needs",
  constraint_failed: "A value of this call is outside what the key may do",
  constraint_unbound: "Policy constrains a value that this call does not carry",
  input_invalid: "The input of this call cannot be put on record",
  token_invalid: "The token is not a valid agent key",
  key_expired: "The key has expired; a call that needs longer says so with expiresIn",
  key_closed: "The key is closed: its call has ended",
  key_revoked: "The key, or who it acts for, has been revoked",
  key_used_up: "The key has no use left",
  key_refused: "The server refused the key",
  uses_unenforceable: "The key is limited in uses and nothing here counts them",
  use_unknown: "Whether this was done already cannot be known, so it is not done again",
  route_unknown: "No known route matches this request",
  request_invalid: "The request is malformed, or can be read in more than one way",
  request_too_large: "The request is larger than the broker takes",
  limit_exceeded: "Too many requests at once; try again later",
  rate_exceeded: "More calls than policy allows in this time; try again later",
  egress_denied: "No key may be used for this host, and other hosts are not allowed",
  no_key: "No agent key is running here",
  no_broker: "These keys have no broker to send a request to",
  audit_unavailable: "The audit record cannot be written, so nothing may happen",
  store_unavailable: "The store of revocations and uses is out of reach",
  issuer_unavailable: "The issuer's public keys are out of reach",
  secret_unavailable: "The credential behind this key is out of reach",
  broker_unavailable: "The broker is out of reach",
  upstream_unavailable: "The service behind the broker is out of reach",
  approval_required: "This call needs an approval first",
};

const RETRYABLE: ReadonlySet<AgentKeyErrorCode> = new Set([
  "audit_unavailable",
  "store_unavailable",
  "issuer_unavailable",
  "secret_unavailable",
  "broker_unavailable",
  "upstream_unavailable",
  "limit_exceeded",
  "rate_exceeded",
]);

/** Every code, for those who render or map them. */
export const agentKeyErrorCodes: readonly AgentKeyErrorCode[] = Object.freeze(
  Object.keys(MESSAGES) as AgentKeyErrorCode[],
);

/**
 * The one error of Agent Keys. Its `message` is constant per code plus scope names, because a
 * language model may see it; what a developer needs beyond that is in `cause`. Neither ever holds
 * a token, a secret or an argument.
 */
export class AgentKeyError extends Error {
  override readonly name = "AgentKeyError";
  /** What went wrong: branch on this, never on the message. */
  readonly code: AgentKeyErrorCode;
  /** True when the same call may succeed later without a change, as when a sink or store is back. */
  readonly retryable: boolean;
  /** How long to wait before that, in milliseconds, where it is known: with `rate_exceeded`. */
  readonly retryAfterMs: number | undefined;

  /**
   * @param code - What went wrong.
   * @param options - `scopes` are appended to the message; `detail` becomes `cause` for developers.
   */
  constructor(code: AgentKeyErrorCode, options: AgentKeyErrorOptions = {}) {
    const { scopes = [], detail, cause, retryAfterMs } = options;
    const named = scopes.length > 0 ? ` (${listScopes(scopes)})` : "";
    const reason = cause ?? (detail === undefined ? undefined : new Error(detail));
    super(`${MESSAGES[code]}${named}.`, reason === undefined ? undefined : { cause: reason });
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.retryAfterMs = retryAfterMs;
  }
}

interface AgentKeyErrorOptions {
  readonly scopes?: readonly string[];
  readonly detail?: string;
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
}

const SCOPES_IN_A_MESSAGE = 5;

function listScopes(scopes: readonly string[]): string {
  const unique = [...new Set(scopes)];
  const shown = unique.slice(0, SCOPES_IN_A_MESSAGE).join(", ");
  const more = unique.length - SCOPES_IN_A_MESSAGE;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

// `instanceof` also knows the errors of another copy of this module: packages pin versions, bundlers
// duplicate, and an error that is not recognised would be left off the record.
const BRAND = Symbol.for("agent-keys.error.v1");

Object.defineProperty(AgentKeyError.prototype, BRAND, { value: true });
Object.defineProperty(AgentKeyError, Symbol.hasInstance, {
  value: (value: unknown): boolean => typeof value === "object" && value !== null && BRAND in value,
});
