import { AgentKeyError, type Policy } from "@agent-keys/core";
import { claimedIssuer, type FindKey, type TokenAlgorithm } from "@agent-keys/core/enforce";

/** An issuer that the broker was told of. There are no others: no trust on first use. */
export interface RegisteredIssuer {
  readonly iss: string;
  readonly findKey: FindKey;
  readonly algorithm: TokenAlgorithm;
  /** Who may act with its keys: names, or prefixes with `*`. */
  readonly agents: readonly string[];
  readonly policy: Policy | "allow-all";
}

/** Whether an issuer may speak for an agent. */
export function speaksFor({ agents }: RegisteredIssuer, agent: string): boolean {
  return agents.some((name) =>
    name.endsWith("*") ? agent.startsWith(name.slice(0, -1)) : name === agent,
  );
}

/**
 * The issuer that a token or a notice says it is of, to look it up by.
 *
 * @param maxLength - In characters. Default: a token's.
 * @throws AgentKeyError `token_invalid` when it says nothing that can be read.
 */
export function requireClaimedIssuer(text: unknown, maxLength?: number): string {
  const iss = claimedIssuer(text, maxLength);
  if (iss === undefined) throw new AgentKeyError("token_invalid", { detail: UNREADABLE });
  return iss;
}

/** The refusal of an issuer that nobody told the broker of. */
export function notRegistered(): AgentKeyError {
  return new AgentKeyError("token_invalid", { detail: "not of a registered issuer" });
}

const UNREADABLE = "the claims are not to be read";
