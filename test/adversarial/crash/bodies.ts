import { wrapTools as wrapAiTools } from "@agent-keys/ai-sdk";
import { type AgentKeys, requireKey } from "@agent-keys/core";
import { wrapTools as wrapLangchainTools } from "@agent-keys/langchain";
import { tool } from "@langchain/core/tools";
import * as z from "zod";

/** One way for a key to be used, with a body that counts how often it ran. */
export interface Body {
  readonly name: string;
  readonly ran: number;
  /** Resolves with `answer ` and what was asked. */
  run(asked: string): Promise<unknown>;
}

/** A wrapped tool of each framework, and the plain call. `during` runs inside each body. */
export function bodies(keys: AgentKeys, during: (keyId: string) => void = () => undefined): Body[] {
  const schema = z.object({ asked: z.string() });
  const ai = counted(during);
  const { answer } = wrapAiTools(
    {
      answer: {
        inputSchema: schema,
        execute: async ({ asked }: { asked: string }, _options: object) => await ai.body(asked),
      },
    },
    { keys, scopes: { answer: "tickets:read" } },
  );
  const chain = counted(during);
  const [langchain] = wrapLangchainTools(
    [
      tool(async ({ asked }: { asked: string }) => await chain.body(asked), {
        name: "answer",
        description: "Answers.",
        schema,
      }),
    ],
    { keys, scopes: { answer: "tickets:read" } },
  );
  const plain = counted(during);
  return [
    named("AI SDK", ai, async (asked) => await answer.execute({ asked }, options(asked))),
    named("LangChain", chain, async (asked) => await langchain?.invoke({ asked })),
    named(
      "withAgentKey",
      plain,
      async (asked) => await keys.withAgentKey("tickets:read", async () => await plain.body(asked)),
    ),
  ];
}

function options(toolCallId: string): object {
  return { toolCallId, messages: [], context: {} };
}

interface Counted {
  ran: number;
  body(asked: string): Promise<string>;
}

function counted(during: (keyId: string) => void): Counted {
  return {
    ran: 0,
    async body(asked) {
      this.ran += 1;
      during(requireKey().id);
      return await Promise.resolve(`answer ${asked}`);
    },
  };
}

function named(name: string, of: Counted, run: (asked: string) => Promise<unknown>): Body {
  return {
    name,
    get ran() {
      return of.ran;
    },
    run,
  };
}

/** What came of a call: its result, or the code of the error. */
export async function attempt(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}
