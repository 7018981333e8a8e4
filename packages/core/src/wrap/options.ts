import type { AgentKeys } from "../agent-keys.ts";
import type { RunContext } from "../context.ts";
import type { Duration } from "../duration.ts";
import type { GrantInput } from "../mint.ts";

/**
 * What a tool's calls may do: a scope, a grant, a list of them, or `false`: this tool runs without a
 * key, on purpose.
 */
export type Scope = GrantInput | false;

/**
 * A scope, or what decides it from the call's validated input and the framework's own argument.
 *
 * A function takes texts, numbers and booleans from the input, never an object or a list as it is: the
 * model wrote it, and could put an operator in a value's place. That is refused with `scope_invalid`;
 * copy a list that is meant, `{ in: [...input.repos] }`. Of an error that the function throws, the
 * refusal's `cause` keeps the class and the stack's frames, not the message, which may quote the input.
 */
export type ScopeRule<Input = unknown, Call = unknown> =
  | Scope
  | ((input: Input, call: Call) => Scope);

/** What a default scope is decided from. */
export interface DefaultScopeCall {
  /** The tool's name. */
  readonly name: string;
  /** What the tool says of itself, as MCP's annotations do. The server's word: never proof. */
  readonly annotations: Readonly<Record<string, unknown>>;
  /** The call's validated input. */
  readonly input: unknown;
}

/** The options that both frameworks' wrappers share, but for the scopes themselves. */
export interface SharedWrapOptions<Call> {
  /** Who mints. */
  readonly keys: AgentKeys;
  /** The life of keys whose scope names none: seconds, or `"30s"`. Default 10 seconds. */
  readonly expiresIn?: Duration | undefined;
  /**
   * Which argument carries which constrained value, where the names differ:
   * `{ owner: "repoOwner" }`. A tool whose schema says that it does not have the argument keeps the
   * value's own name.
   */
  readonly args?: Readonly<Record<string, string>> | undefined;
  /**
   * Whom the call is for, from the framework's own per-request context. Synchronous. Never take it
   * from `input`, which the model wrote. What it throws is kept as of a scope function.
   */
  readonly context?: ((input: unknown, call: Call) => RunContext) | undefined;
}
