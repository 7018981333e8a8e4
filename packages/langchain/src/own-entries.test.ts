import { testKeys } from "@agent-keys/core/testing";
import { HumanMessage } from "@langchain/core/messages";
import { DynamicTool, StructuredTool, Tool, tool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { modelCalling, only, story, toolCall } from "./agent.fixture.ts";
import { agentKeysMiddleware } from "./middleware.ts";
import { wrapTool, wrapTools } from "./wrap-tools.ts";

const schema = z.object({ id: z.string() });
const scope = "tickets:read";

/** Each has its work where no guard of `_call` stands before it. */
function passingBy(body: () => string): Record<string, object> {
  class Plain extends StructuredTool {
    readonly schema = schema;
    name = "get";
    description = "";
    protected override async _call(): Promise<string> {
      return await Promise.resolve(body());
    }
  }
  const overriding = (name: string): object => {
    class Overriding extends Plain {}
    Object.defineProperty(Overriding.prototype, name, { value: async () => body() });
    return new Overriding();
  };
  class Further extends (overriding("invoke").constructor as typeof Plain) {}
  class ByField extends Plain {
    override invoke = async (): Promise<never> => (await Promise.resolve(body())) as never;
  }
  class ByGetter extends Plain {}
  Object.defineProperty(ByGetter.prototype, "invoke", { get: () => async () => body() });
  class Text extends Tool {
    name = "get";
    description = "";
    protected override async _call(): Promise<string> {
      return await Promise.resolve(body());
    }
    override async call(): Promise<string> {
      return await Promise.resolve(body());
    }
  }
  class Dynamic extends DynamicTool {
    override async call(): Promise<string> {
      return await Promise.resolve(body());
    }
  }
  class Foreign {
    name = "get";
    _call = body;
    invoke = body;
    call(): string {
      return body();
    }
  }
  const patched = tool(body, { name: "get", schema });
  const fields = { name: "get", description: "", func: async () => body() };
  return {
    ...Object.fromEntries(
      ["invoke", "call", "batch", "stream", "transform", "streamEvents", "_streamIterator"].map(
        (name) => [name, overriding(name)],
      ),
    ),
    "a class further on": new Further(),
    "a field": new ByField(),
    "a getter": new ByGetter(),
    "a Tool's call": new Text(),
    "a DynamicTool's call": new Dynamic(fields),
    "an object that was patched": Object.assign(patched, { invoke: body }),
    "no tool of LangChain": new Foreign(),
  };
}

describe("a tool whose body would run by another way than the guarded one", () => {
  test.each(Object.keys(passingBy(() => "")))("is refused when it is wrapped: %s", (which) => {
    const body = vi.fn<() => string>(() => "ran");
    const wrong = passingBy(body)[which] as StructuredTool;
    const name = /^tool "get": has (its own|_call)/;
    expect(() => wrapTool(wrong, { keys: testKeys(), scope })).toThrow(TypeError);
    expect(() => wrapTools([wrong], { keys: testKeys(), scopes: { get: scope } })).toThrow(name);
    expect(body).not.toHaveBeenCalled();
  });

  test("is refused when it is called, where a middleware meets it only then", async () => {
    const body = vi.fn<() => string>(() => "ran");
    const { invoke, call } = passingBy(body) as Record<string, StructuredTool>;
    for (const wrong of [invoke!, call!]) {
      const keys = testKeys();
      const agent = createAgent({
        model: modelCalling([toolCall("get", { id: "1" })]),
        tools: [wrong],
        middleware: [agentKeysMiddleware({ keys, scopes: { get: scope } })],
      });
      await expect(agent.invoke({ messages: [new HumanMessage("go")] })).rejects.toMatchObject({
        code: "scope_invalid",
      });
      expect(only(keys.events, "key.denied")).toMatchObject([{ code: "scope_invalid" }]);
    }
    expect(body).not.toHaveBeenCalled();
  });

  test("is refused too when it was wrapped before, and patched then", () => {
    const options = { keys: testKeys(), scope };
    const wrapped = wrapTool(
      tool(() => "", { name: "get", schema }),
      options,
    );
    const patched = Object.assign(wrapped, { invoke: () => "ran" });
    expect(() => wrapTool(patched, options)).toThrow('tool "get": has its own invoke');
  });

  test("never runs its call where it looks like LangChain's Tool", async () => {
    const body = vi.fn<() => string>(() => "ran");
    class Alike extends StructuredTool {
      readonly schema = schema;
      name = "get";
      description = "";
      protected override _call = async (): Promise<string> => await Promise.resolve("guarded");
      override async call(): Promise<never> {
        return (await Promise.resolve(body())) as never;
      }
    }
    const keys = testKeys();
    await expect(wrapTool(new Alike(), { keys, scope }).invoke({ id: "1" })).resolves.toBe(
      "guarded",
    );
    expect(body).not.toHaveBeenCalled();
    expect(story(keys.events)).toEqual(["minted", "closed ok"]);
  });
});

test("LangChain's own classes, and what extends them, are guarded in every way in, also when wrapped twice", async () => {
  class Echo extends Tool {
    name = "echo";
    description = "";
    protected override async _call(text: string): Promise<string> {
      return await Promise.resolve(text);
    }
    override toJSON(): never {
      return { name: this.name } as never;
    }
  }
  const func = async (text: string): Promise<string> => await Promise.resolve(text);
  for (const text of [new Echo(), new DynamicTool({ name: "say", description: "", func })]) {
    const keys = testKeys();
    const options = { keys, scope };
    const wrapped = wrapTool(wrapTool<Tool>(text, options), options);
    await expect(wrapped.invoke("a")).resolves.toBe("a");
    await expect(wrapped.call("b")).resolves.toBe("b");
    await expect(wrapped.batch(["c"])).resolves.toEqual(["c"]);
    for await (const chunk of await wrapped.stream("d")) expect(chunk).toBe("d");
    expect(story(keys.events)).toEqual(
      Array.from({ length: 4 }, () => ["minted", "closed ok"]).flat(),
    );
  }
});
