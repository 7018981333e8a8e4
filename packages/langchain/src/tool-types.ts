import type { ToolCall } from "@langchain/core/messages/tool";
import type { RunnableConfig } from "@langchain/core/runnables";

/**
 * What a LangChain tool gets as its second argument. In an agent it is the tool runtime; a tool that
 * is invoked directly gets the config alone. For the types of your own state and context, write them:
 * `(input, runtime: ToolCallRuntime<State, Context>) => …`, or LangChain's own `ToolRuntime`.
 */
export interface ToolCallRuntime<State = unknown, Context = unknown> extends RunnableConfig {
  /** The id of the tool call, as the model gave it. */
  readonly toolCallId?: string;
  /** The tool call. */
  readonly toolCall?: { readonly id?: string; readonly name: string; readonly args: object };
  /** The graph's state. */
  readonly state?: State;
  /** The request's own context, from `agent.invoke(…, { context })`. */
  readonly context?: Context;
}

/** The names of tools; `string` for those of class tools. Plain tool objects may have none. */
export type NameOf<TOOL> = TOOL extends { readonly name: infer NAME extends string } ? NAME : never;

/** The input of a tool, after validation. */
export type InputOf<TOOL> = TOOL extends {
  readonly func: (input: infer INPUT, ...rest: never) => unknown;
}
  ? INPUT
  : TOOL extends { readonly bound: unknown; readonly schema: infer SCHEMA }
    ? Exclude<OutputOf<SCHEMA>, ToolCall> // asTool() adds it to what its schema gives
    : TOOL extends { readonly schema: infer SCHEMA }
      ? OutputOf<SCHEMA>
      : unknown;

/** zod 3 and 4 keep their type in different places; a JSON Schema has none. */
type OutputOf<SCHEMA> = SCHEMA extends { readonly _output: infer OUTPUT }
  ? OUTPUT
  : SCHEMA extends { readonly _zod: { readonly output: infer OUTPUT } }
    ? OUTPUT
    : unknown;

/** The input of the tool of a name; of any of unknown name where none has it as a literal. */
export type InputNamed<TOOL, NAME> = [Extract<TOOL, { readonly name: NAME }>] extends [never]
  ? InputOf<Unnamed<TOOL>>
  : InputOf<Extract<TOOL, { readonly name: NAME }>>;

type Unnamed<TOOL> = TOOL extends { readonly name: infer NAME }
  ? string extends NAME
    ? TOOL
    : never
  : never;
