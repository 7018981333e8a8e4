import type { AgentKeys } from "./agent-keys.ts";
import type { Issuer } from "./issuer.ts";
import type { AgentKey } from "./agent-key.ts";
import type { RunContext } from "./context.ts";
import type { GrantInput, MintCall } from "./mint.ts";

/** What a wrapper needs of `AgentKeys` beyond its public face. */
export interface Internals {
  readonly issuer: Issuer;
  readonly agent: string;
  /**
   * @param asking - Says what is asked for. What it throws is a refusal like any other.
   * @throws AgentKeyError when refused.
   */
  mint(
    asking: () => GrantInput,
    call: Omit<MintCall, "agent" | "run" | "parent"> & { readonly run?: RunContext },
  ): AgentKey;
}

/** Where it is kept: a registered symbol, because bundlers duplicate modules. */
export const INTERNALS: unique symbol = Symbol.for("agent-keys.internals.v1") as never;

/**
 * The inside of `AgentKeys`.
 *
 * @throws TypeError when `keys` was not made by `createAgentKeys`.
 */
export function internalsOf(keys: AgentKeys): Internals {
  const internals =
    typeof keys === "object" && keys !== null
      ? (keys as { readonly [INTERNALS]?: Internals })[INTERNALS]
      : undefined;
  if (internals === undefined) throw new TypeError("keys: must come from createAgentKeys()");
  return internals;
}
