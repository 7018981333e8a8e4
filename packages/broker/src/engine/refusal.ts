import { AgentKeyError, type AgentKeyErrorCode } from "@agent-keys/core";
import type { RefusalAnswer, Service } from "../service/service.ts";

/** A request that is not done, with the check that said so. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly error: AgentKeyError;
  /** Which check refused, for the record. */
  readonly check: string;
  /** The status to answer with, where it is not the code's usual one. */
  readonly status: number | undefined;
  /** What the sender may be told beside the code. */
  readonly hint: string | undefined;

  constructor(
    code: AgentKeyErrorCode | AgentKeyError,
    check: string,
    options: RefusedOptions = {},
  ) {
    const error = typeof code === "string" ? new AgentKeyError(code, options) : code;
    super(error.message);
    this.error = error;
    this.check = check;
    this.status = options.status;
    this.hint = options.hint;
  }
}

/** What else there is to say. None of it ever holds a value of the request. */
export interface RefusedOptions {
  readonly detail?: string;
  readonly scopes?: readonly string[];
  readonly status?: number;
  /** For the sender: nothing that it does not know. */
  readonly hint?: string;
}

/** Whatever was thrown, as a refusal: what nobody foresaw is the broker's own fault, and says nothing. */
export function asRefused(thrown: unknown, check: string): Refused {
  if (thrown instanceof Refused) return thrown;
  if (thrown instanceof AgentKeyError) return new Refused(thrown, check);
  return new Refused("upstream_unavailable", "internal", { status: 500 });
}

const STATUS: Partial<Record<AgentKeyErrorCode, number>> = {
  request_invalid: 400,
  scope_invalid: 400,
  input_invalid: 400,
  token_invalid: 401,
  no_key: 401,
  key_expired: 401,
  key_closed: 401,
  key_revoked: 401,
  key_used_up: 401,
  key_refused: 401,
  route_unknown: 404,
  request_too_large: 413,
  limit_exceeded: 429,
  rate_exceeded: 429,
  upstream_unavailable: 502,
  audit_unavailable: 503,
  store_unavailable: 503,
  issuer_unavailable: 503,
  secret_unavailable: 503,
};

/** The HTTP status of a code. What is not listed is forbidden. */
function statusOf(code: AgentKeyErrorCode): number {
  return STATUS[code] ?? 403;
}

/**
 * A refusal as an answer: flat header list and JSON body, in the shapes that SDKs look for an error in.
 *
 * @param tell - The service's own way, for what no retry changes.
 */
export function refusalAnswer(
  refused: Refused,
  tell?: Service["refusal"],
): {
  readonly status: number;
  readonly headers: string[];
  readonly body: string;
} {
  const { code, retryable, retryAfterMs = 1_000 } = refused.error;
  const message = messageOf(refused.error);
  const told = retryable ? undefined : toldBy(tell, { code, message });
  const status = told?.status ?? refused.status ?? statusOf(code);
  const { hint } = refused;
  const detail = hint === undefined ? {} : { detail: hint };
  const body = JSON.stringify(told?.body ?? { code, message, ...detail, error: { code, message } });
  const headers = [
    "content-type",
    "application/json",
    "content-length",
    String(Buffer.byteLength(body)),
    "cache-control",
    "no-store",
    "agent-keys-code",
    code,
  ];
  if (status === 401) {
    const described = hint === undefined ? "" : `, error_description="${hint}"`;
    headers.push("www-authenticate", `Bearer error="invalid_token"${described}`);
  }
  if (status === 403) headers.push("www-authenticate", 'Bearer error="insufficient_scope"');
  if (retryable) headers.push("retry-after", String(Math.ceil(retryAfterMs / 1_000)));
  return { status, headers, body };
}

/** The agent's process has a policy too: whoever reads this must know which one to look at. */
function messageOf({ code, message }: AgentKeyError): string {
  return code === "policy_denied" ? message.replace(/^Policy/, "The broker's policy") : message;
}

/** A service's way of telling that fails must not keep the refusal from being told. */
function toldBy(
  tell: Service["refusal"],
  refusal: { readonly code: AgentKeyErrorCode; readonly message: string },
): RefusalAnswer | undefined {
  try {
    return tell?.(refusal);
  } catch {
    return undefined;
  }
}
