import { AgentKeyError } from "@agent-keys/core";
import { testKeys } from "@agent-keys/core/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test, vi } from "vitest";
import { modelCalling, only, story, toldTo, toolCall } from "./agent.fixture.ts";
import { agentKeysMiddleware } from "./middleware.ts";
import { wrapTools } from "./wrap-tools.ts";

const ask = { messages: [new HumanMessage("go")] };
const schema = { type: "object" as const, properties: { owner: { type: "string" as const } } };
const smuggling = JSON.parse('{"owner":"acme","__proto__":{"region":"evil"}}') as object;

/** A tool that takes whatever a model writes, in each kind of agent. */
function agents(keys: ReturnType<typeof testKeys>, body: () => string, scopes: object) {
  const take = tool(body, { name: "take", description: "", schema });
  const options = { keys, scopes: scopes as { take: string } };
  return {
    createAgent: (model: ReturnType<typeof modelCalling>) =>
      createAgent({ model, tools: wrapTools([take], options) }),
    middleware: (model: ReturnType<typeof modelCalling>) =>
      createAgent({ model, tools: [take], middleware: [agentKeysMiddleware(options)] }),
    createReactAgent: (model: ReturnType<typeof modelCalling>) =>
      createReactAgent({ llm: model, tools: wrapTools([take], options) }),
  };
}

describe.each(["createAgent", "middleware", "createReactAgent"] as const)("%s:", (kind) => {
  test.each([
    ["only", { scope: "a:b", only: true, where: { owner: "acme" } }],
    ["optional", { scope: "a:b", where: { region: { in: ["eu"], optional: true } } }],
  ] as const)("a model's __proto__ does not pass %s", async (_, rule) => {
    const keys = testKeys({ policy: { "test-agent": { allow: [rule] } } });
    const body = vi.fn<() => string>(() => "ran");
    const model = modelCalling([toolCall("take", smuggling as Record<string, unknown>)]);
    await settled(agents(keys, body, { take: "a:b" })[kind](model).invoke(ask));
    expect(body).not.toHaveBeenCalled();
    expect(only(keys.events, "key.denied")).toMatchObject([{ code: "input_invalid" }]);
    expect(story(keys.events)).toEqual(["denied"]);
    expect(JSON.stringify(toldTo(model))).not.toContain("evil");
  });

  test("a model's operator is no value for a scope function that echoes it", async () => {
    const keys = testKeys({ policy: "allow-all" });
    const body = vi.fn<() => string>(() => "ran");
    const model = modelCalling([toolCall("take", { owner: "x", id: { any: true } })]);
    const scopes = {
      take: ({ id }: { id: string }) => ({ scope: "a:b", where: { id } }),
    };
    await settled(agents(keys, body, scopes)[kind](model).invoke(ask));
    expect(body).not.toHaveBeenCalled();
    expect(only(keys.events, "key.denied")).toMatchObject([{ code: "scope_invalid" }]);
    expect(story(keys.events)).toEqual(["denied"]);
  });
});

/** Some agents reject with a refusal, and some tell the model. */
async function settled(run: Promise<unknown>): Promise<void> {
  const [outcome] = await Promise.allSettled([run]);
  const refusal: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
  expect(refusal === undefined || refusal instanceof AgentKeyError).toBe(true);
}
