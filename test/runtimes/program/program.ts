import { wrapTools as wrapAiSdkTools } from "@agent-keys/ai-sdk";
import {
  type AgentKeys,
  AgentKeyError,
  createAgentKeys,
  currentKey,
  memoryStore,
  requireKey,
  type SinkInput,
  verifyKey,
  type VerifyKeyOptions,
} from "@agent-keys/core";
import { wrapTools as wrapLangChainTools } from "@agent-keys/langchain";
import { tool as langChainTool } from "@langchain/core/tools";
import { generateText, isStepCount, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as z from "zod";

/** What differs from one runtime to the next. */
export interface Surroundings {
  readonly audit: SinkInput;
  /** Serves the public keys, and says where. */
  readonly publish: (jwks: ReturnType<AgentKeys["jwks"]>) => Promise<string>;
}

/** The same small program in every runtime: what it says is the same everywhere, or it is no support. */
export async function runProgram({ audit, publish }: Surroundings): Promise<readonly string[]> {
  const issuer = "https://agents.example.com";
  const audience = "https://tickets.example.com";
  const keys = createAgentKeys({
    agent: "bot",
    policy: { bot: { allow: [{ scope: "tickets:*", where: { id: { prefix: "T-" } } }] } },
    issuer,
    audience,
    audit,
  });
  const store = memoryStore();
  const options: Omit<VerifyKeyOptions, "request"> = {
    jwks: await publish(keys.jwks()),
    issuer,
    audience,
    consume: true,
    store,
  };
  const said: string[] = [];
  const ran: string[] = [];

  const key = keys.mint({ scope: "tickets:read", where: { id: "T-1" }, uses: 1 }, { user: "ada" });
  const request = { scope: "tickets:read", values: { id: "T-1" } };
  const check = (token: string) => verifyKey(token, { ...options, request });
  const verified = await check(key.token);
  said.push(`verified: ${verified.agent} for ${verified.user}: ${verified.grant?.scope}`);
  said.push(`again: ${await codeOf(() => check(key.token))}`);
  said.push(`changed: ${await codeOf(() => check(key.token.replace(/.{9}$/, "AAAAAAAAA")))}`);
  key.close();
  said.push(`closed: ${await codeOf(() => keys.verify(key.token, { request }))}`);

  // What each tool does, under a key of its own: it waits first, and finds that key again.
  const body = async ({ id }: { id: string }): Promise<string> => {
    ran.push(id);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const { grant } = await verifyKey(requireKey().token, { ...options, request: read(id) });
    return `${id} read with ${grant?.scope}`;
  };
  const input = z.object({ id: z.string() });
  const shared = { keys, scopes: { get: "tickets:read" } };

  const tools = wrapAiSdkTools({ get: tool({ inputSchema: input, execute: body }) }, shared);
  const { steps } = await generateText({
    model: callingTwice(),
    tools,
    prompt: "Read both.",
    stopWhen: isStepCount(2),
  });
  for (const { content } of steps) {
    for (const part of content) {
      if (part.type === "tool-result") said.push(`ai-sdk: ${String(part.output)}`);
      if (part.type === "tool-error") said.push(`ai-sdk: ${code(part.error)}`);
    }
  }

  const [get] = wrapLangChainTools(
    [langChainTool(body, { name: "get", description: "Reads a ticket", schema: input })],
    shared,
  );
  said.push(`langchain: ${await get?.invoke({ id: "T-3" })}`);
  said.push(`langchain: ${await codeOf(() => get?.invoke({ id: "X-3" }))}`);

  said.push(`bodies that ran: ${ran.join(", ")}`, `key outside of calls: ${currentKey()?.id}`);
  await keys.flush();
  return said;
}

/** What {@link runProgram} says where everything works. */
export const expectedLines: readonly string[] = [
  "verified: bot for ada: tickets:read",
  "again: key_used_up",
  "changed: token_invalid",
  "closed: key_closed",
  "ai-sdk: T-2 read with tickets:read",
  "ai-sdk: constraint_failed",
  "langchain: T-3 read with tickets:read",
  "langchain: constraint_failed",
  "bodies that ran: T-2, T-3",
  "key outside of calls: undefined",
];

/** Its record: types, with the tool's framework and what became of the call. */
export const expectedRecord: readonly string[] = [
  "key.minted",
  "key.closed ok",
  "key.minted ai-sdk",
  "key.denied ai-sdk constraint_failed",
  "key.closed ai-sdk ok",
  "key.minted langchain",
  "key.closed langchain ok",
  "key.denied langchain constraint_failed",
];

const read = (id: string) => ({ scope: "tickets:read", values: { id } });

async function codeOf(work: () => unknown): Promise<string> {
  try {
    return `allowed: ${String(await work())}`;
  } catch (error) {
    return code(error);
  }
}

function code(error: unknown): string {
  return error instanceof AgentKeyError ? error.code : String(error);
}

/** A model that reads one ticket it may read, and one that it may not. */
function callingTwice(): MockLanguageModelV4 {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const answer = (content: readonly object[], unified: string) =>
    ({ content, finishReason: { unified, raw: undefined }, usage, warnings: [] }) as never;
  const call = (id: string) => {
    return { type: "tool-call", toolCallId: id, toolName: "get", input: JSON.stringify({ id }) };
  };
  let asked = false;
  return new MockLanguageModelV4({
    async doGenerate() {
      if (asked) return answer([{ type: "text", text: "Done." }], "stop");
      asked = true;
      return answer([call("T-2"), call("X-2")], "tool-calls");
    },
  });
}
