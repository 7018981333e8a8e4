/**
 * What a tool's `execute` gets as its second argument, as far as all majors of the AI SDK agree. A
 * tool whose own `execute` says more gives its own type to its scope function.
 */
export interface ExecuteOptions {
  /** The id of the tool call. */
  readonly toolCallId: string;
  /** What the model had been sent when it made the call. */
  readonly messages: readonly unknown[];
  readonly abortSignal?: AbortSignal | undefined;
  /** `ai` 5 and 6: the request's own context. */
  readonly experimental_context?: unknown;
  /** `ai` 7: the tool's own context, from `toolsContext`. */
  readonly context?: unknown;
}

// `never` parameters accept every function's; `any` would too, and spread from there.
type Execute = (...args: never) => unknown;

// Member by member, so that a union of tools gives the union of what they get, not all of it at once.
type ExecuteOf<TOOL> = TOOL extends { readonly execute?: infer EXECUTE }
  ? Extract<EXECUTE, Execute>
  : never;

type FirstOf<EXECUTE> = EXECUTE extends (first: infer FIRST, ...rest: never) => unknown
  ? FIRST
  : never;

type SecondOf<EXECUTE> = EXECUTE extends (
  first: never,
  second: infer SECOND,
  ...rest: never
) => unknown
  ? Known<SECOND>
  : never;

// An `execute` with one parameter says nothing of the second; an MCP client's may go without it.
type Known<SECOND> = unknown extends SECOND ? ExecuteOptions : NonNullable<SECOND>;

type Otherwise<TYPE, FALLBACK> = [TYPE] extends [never] ? FALLBACK : TYPE;

/** The input of a tool, after validation. */
export type InputOf<TOOL> = Otherwise<FirstOf<ExecuteOf<TOOL>>, unknown>;

/** The second argument of a tool's `execute`. */
export type CallOf<TOOL> = Otherwise<SecondOf<ExecuteOf<TOOL>>, ExecuteOptions>;
