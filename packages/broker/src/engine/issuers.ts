import type { Policy } from "@agent-keys/core";
import type { FindKey, TokenAlgorithm } from "@agent-keys/core/enforce";

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
