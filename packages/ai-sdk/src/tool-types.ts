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

// `never` parameters accept every function's; `any` would accept them too, and spread from there.
type Execute = (...args: never) => unknown;

type ExecuteOf<TOOL> = TOOL extends { readonly execute?: infer EXECUTE }
  ? Extract<EXECUTE, Execute>
  : never;

/** The input of a tool, after validation. */
export type InputOf<TOOL> = [ExecuteOf<TOOL>] extends [never]
  ? unknown
  : ExecuteOf<TOOL> extends (input: infer INPUT, ...rest: never) => unknown
    ? INPUT
    : unknown;

/** The second argument of a tool's `execute`. */
export type CallOf<TOOL> = [ExecuteOf<TOOL>] extends [never]
  ? ExecuteOptions
  : ExecuteOf<TOOL> extends (input: never, call: infer CALL, ...rest: never) => unknown
    ? unknown extends CALL
      ? ExecuteOptions
      : NonNullable<CALL>
    : ExecuteOptions;
