import { AgentKeyError } from "@agent-keys/core";

/**
 * The one error of a source. What a developer is told is in its cause, and is made of the source's name
 * and of text that is written here: an error of somebody else's might quote the credential.
 */
export function unavailable(name: string, why: string): AgentKeyError {
  return new AgentKeyError("secret_unavailable", { detail: `${name}: ${why}` });
}

/** What may be said of an error that comes from elsewhere: its code or its kind, which are short names. */
export function kindOf(error: unknown): string {
  const { code, name } = (typeof error === "object" && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly name?: unknown;
  };
  return [code, name].find(isShortName) ?? "an error";
}

function isShortName(text: unknown): text is string {
  return typeof text === "string" && /^[A-Z][A-Za-z_]{1,39}$/.test(text);
}
