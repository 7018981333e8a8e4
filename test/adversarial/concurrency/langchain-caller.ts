import { wrapTools } from "@agent-keys/langchain";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { type DynamicStructuredTool, tool } from "@langchain/core/tools";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import * as z from "zod";
import { type CallerOptions, expectError } from "./ai-sdk-caller.ts";
import type { Input } from "./bodies.ts";
import type { Caller } from "./load.ts";
import { type Call, type Kind, kinds } from "./plan.ts";

const schema = z.object({ call: z.string(), steps: z.number(), brief: z.boolean() });

/** Calls tools by `ToolNode`, by `createAgent`, by `invoke`, and directly as `func`. */
export function langchainCaller({ keys, bodies, scopes }: CallerOptions): Caller {
  const bare = kinds.map((kind) =>
    tool((input: Input, { signal }: { signal?: AbortSignal }) => bodies[kind](input, signal), {
      name: kind,
      description: kind,
      schema,
    }),
  );
  const tools = wrapTools(bare, { keys, scopes });
  const node = new ToolNode(tools);
  const named = new Map(tools.map((one) => [one.name, one as unknown as DynamicStructuredTool]));

  return async (run, signal) => {
    const config = signal === undefined ? {} : { signal };
    const toolCalls = run.calls.map(toolCall);
    try {
      if (run.path === "lc.direct") {
        await Promise.all(run.calls.map((call) => direct(named.get(call.kind), call, signal)));
      } else if (run.path === "lc.toolNode") {
        await node.invoke([new AIMessage({ content: "", tool_calls: toolCalls })], config);
      } else {
        const model = fakeModel().respondWithTools(toolCalls).respond(new AIMessage("done"));
        await createAgent({ model, tools }).invoke({ messages: [new HumanMessage("go")] }, config);
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  };
}

type ToolCall = ReturnType<typeof toolCall>;

function toolCall({ id, kind, steps, brief }: Call): {
  readonly type: "tool_call";
  readonly id: string;
  readonly name: Kind;
  readonly args: Record<string, unknown>;
} {
  return { type: "tool_call", id, name: kind, args: { call: id, steps, brief } };
}

/** `func` is the body for those who read a generator themselves; `invoke` reads it to its end. */
async function direct(
  one: DynamicStructuredTool | undefined,
  call: Call,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (one === undefined) throw new Error(`no tool ${call.kind}`);
  const config = signal === undefined ? {} : { signal };
  const made: ToolCall = toolCall(call);
  try {
    if (call.kind !== "returnsEarly" && call.kind !== "abandoned") {
      await one.invoke(made, config);
      return;
    }
    const steps = (await one.func(made.args, undefined, {
      ...config,
      toolCall: made,
    } as never)) as AsyncIterable<unknown>;
    if (call.kind === "abandoned") return;
    for await (const _ of steps) break;
  } catch (error) {
    expectError(error, call.kind, signal);
  }
}
