// Compiled by tsc, never run: what each function sees in the oldest versions of the AI SDK. The
// newest are in packages/ai-sdk.
import type { AgentKeys } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/ai-sdk";
import * as ai5 from "ai5-oldest";
import * as ai6 from "ai6-oldest";
import * as ai7 from "ai7-oldest";
import * as z from "zod";
import { is } from "../same-type.ts";

declare const keys: AgentKeys;
const inputSchema = z.object({ id: z.string(), copies: z.string().transform(Number) });

const tools5 = {
  get: ai5.tool({ inputSchema, execute: async ({ id }) => ({ id }) }),
  ask: ai5.tool({ inputSchema, outputSchema: z.string() }),
};
const wrapped5 = wrapTools(tools5, {
  keys,
  scopes: {
    get: ({ id, copies }, call) => {
      is<[typeof id, typeof copies], [string, number]>();
      return { scope: "tickets:read", where: { id, call: call.toolCallId } };
    },
  },
  context: (_, call) => ({ user: String(call.experimental_context) }),
});
is<typeof wrapped5, typeof tools5>();
declare const model5: ai5.LanguageModel;
const result5 = await ai5.generateText({ model: model5, prompt: "go", tools: wrapped5 });
const bare5 = await ai5.generateText({ model: model5, prompt: "go", tools: tools5 });
is<typeof result5.steps, typeof bare5.steps>();
void new ai5.Experimental_Agent({ model: model5, tools: wrapped5 });

const tools6 = {
  get: ai6.tool({ inputSchema, needsApproval: true, execute: async ({ id }) => ({ id }) }),
  ask: ai6.tool({ inputSchema, outputSchema: z.string() }),
};
const wrapped6 = wrapTools(tools6, {
  keys,
  scopes: {
    get: ({ id, copies }, call) => {
      is<[typeof id, typeof copies], [string, number]>();
      return { scope: "tickets:read", where: { id, call: call.toolCallId } };
    },
  },
  context: (_, call) => ({ user: String(call.experimental_context) }),
});
is<typeof wrapped6, typeof tools6>();
declare const model6: ai6.LanguageModel;
const agent6 = new ai6.ToolLoopAgent({ model: model6, tools: wrapped6 });
is<ai6.InferAgentUIMessage<typeof agent6>, Message6>();
type Message6 = ai6.InferAgentUIMessage<ai6.ToolLoopAgent<never, typeof tools6>>;

const tools7 = {
  get: ai7.tool({
    inputSchema,
    contextSchema: z.object({ userId: z.string() }),
    execute: async ({ id }, { context }) => ({ id, by: context.userId }),
  }),
  ask: ai7.tool({ inputSchema, outputSchema: z.string() }),
};
const wrapped7 = wrapTools(tools7, {
  keys,
  scopes: {
    get: ({ id, copies }, call) => {
      is<[typeof id, typeof copies], [string, number]>();
      is<typeof call.context, { userId: string }>();
      return { scope: "tickets:read", where: { id, call: call.toolCallId } };
    },
  },
});
is<typeof wrapped7, typeof tools7>();
declare const model7: ai7.LanguageModel;
void new ai7.ToolLoopAgent({
  model: model7,
  tools: wrapped7,
  toolsContext: { get: { userId: "u-1" } },
});

// @ts-expect-error there is no such tool
wrapTools(tools5, { keys, scopes: { gets: "tickets:read" } });
// @ts-expect-error there is no such tool
wrapTools(tools6, { keys, scopes: { gets: "tickets:read" } });
// @ts-expect-error there is no such tool
wrapTools(tools7, { keys, scopes: { gets: "tickets:read" } });
