import {
  AgentKeyError,
  isReserved,
  type KeyFacts,
  type Store,
  type UsesCharge,
} from "@agent-keys/core";

const FACTS: KeyFacts = {
  iss: "urn:desk",
  kids: ["kid"],
  ids: ["key"],
  agents: ["bot"],
  scopes: ["mail:send"],
};

/** The one use of a key that is minted now, with a clock that agrees with the server's. */
export function useOf(id: string, limit = 1, mintedAtMs: number = Date.now()): UsesCharge {
  return { kind: "uses", id, limit, mintedAtMs, expiresAtMs: mintedAtMs + 60_000 };
}

/** `reserved`, what it was refused as, or the code that it failed with. */
export async function asked(store: Store, ...charges: readonly UsesCharge[]): Promise<string> {
  try {
    const outcome = await store.uses.reserve(charges);
    if (isReserved(outcome)) return "reserved";
    return typeof outcome === "string" ? outcome : outcome.refusal;
  } catch (error) {
    return codeOf(error);
  }
}

/** What the view says of a key of `bot`, or the code that it throws. */
export function stateOf(store: Store, facts: Partial<KeyFacts> = {}): string {
  try {
    return store.keys.stateOf({ ...FACTS, ...facts });
  } catch (error) {
    return codeOf(error);
  }
}

export function codeOf(error: unknown): string {
  if (error instanceof AgentKeyError) return error.code;
  throw error;
}
