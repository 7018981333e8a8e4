import { AgentKeyError } from "@agent-keys/core";

/**
 * The one error of a source. What a developer is told is in its cause, and is made of the source's name
 * and of text that is written here: an error of somebody else's might quote the credential.
 */
export function unavailable(name: string, why: string): AgentKeyError {
  return new AgentKeyError("secret_unavailable", { detail: `${name}: ${why}` });
}

/**
 * The same where the place itself gave no answer: it is down, out of reach or too busy, and has said
 * nothing of the credential. What it gave before may serve on; after a refusal it may not.
 */
export function outOfReach(name: string, why: string): AgentKeyError {
  const error = unavailable(name, why);
  outages.add(error);
  return error;
}

const outages = new WeakSet<object>();

/** Whether an error says that nothing was said of the credential. */
export function isOutage(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if (outages.has(error)) return true;
  return !(error instanceof AgentKeyError) && CONNECTION.has(kindOf(error));
}

/** What a connection fails with that was never made, or broke off. */
const CONNECTION: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** What may be said of an error that comes from elsewhere: its code or its kind, which are short names. */
export function kindOf(error: unknown): string {
  const { code, name, cause } = (typeof error === "object" && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly name?: unknown;
    readonly cause?: unknown;
  };
  // fetch says "TypeError", and in its cause what it was.
  const inner = (typeof cause === "object" && cause !== null ? cause : {}) as {
    readonly code?: unknown;
  };
  return [code, inner.code, name].find(isShortName) ?? "an error";
}

function isShortName(text: unknown): text is string {
  return typeof text === "string" && /^[A-Z][A-Za-z_]{1,39}$/.test(text);
}
