import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  type AgentKeys,
  type AgentKeysOptions,
  createAgentKeys,
  memorySink,
} from "@agent-keys/core";

/** Who mints, as the broker's tests have it. */
export const ISSUER = "https://agents.example";
/** The one agent that may act. */
export const AGENT = "bot";

/** A signing key, and what is made with it. */
export interface Issuer {
  readonly privateKey: KeyObject;
  readonly jwks: ReturnType<AgentKeys["jwks"]>;
  /** Keys for a broker that these do not speak to. */
  keysFor(audience: string, options?: Partial<AgentKeysOptions>): AgentKeys;
  /** Keys that tell the broker what they close and revoke. */
  keysAt(broker: string, options?: Partial<AgentKeysOptions>): AgentKeys;
}

export function openIssuer(): Issuer {
  const { privateKey } = generateKeyPairSync("ed25519");
  const make = (options: Partial<AgentKeysOptions>): AgentKeys =>
    createAgentKeys({
      agent: AGENT,
      policy: "allow-all",
      signingKey: privateKey,
      issuer: ISSUER,
      audit: memorySink(),
      ...options,
    });
  return {
    privateKey,
    jwks: make({ audience: "urn:none" }).jwks(),
    keysFor: (audience, options) => make({ audience, ...options }),
    keysAt: (broker, options) => make({ broker, ...options }),
  };
}
