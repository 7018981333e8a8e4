/** What else of `ai` looks at tools, without a loop. */
import { wrapTools } from "@agent-keys/ai-sdk";
import { testKeys } from "@agent-keys/core/testing";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { compareRuns, Journal, type Wrap } from "../compare.ts";
import { inputSchema, noting } from "./cases.ts";
import { newest, type Sdk, sdks } from "./sdks.ts";

type Function = (...args: readonly unknown[]) => unknown;

const toolsOf = (journal: Journal) => ({
  get: {
    ...noting(journal, "get", (input) => input.id),
    outputSchema: z.string(),
    inputExamples: [{ input: { id: "t-0" } }],
    [Symbol.for("a mark")]: "kept",
    toModelOutput: (given: unknown) => {
      journal.tell("toModelOutput", given);
      return { type: "text", value: "for the model" };
    },
  },
  ask: { description: "the client asks", inputSchema, outputSchema: z.string() },
});

const call = { type: "tool-get", toolCallId: "call-1", input: { id: "t-1" } };
const history = [
  { id: "1", role: "user", parts: [{ type: "text", text: "go" }] },
  { id: "2", role: "assistant", parts: [{ ...call, state: "output-available", output: "t-1" }] },
];

/** Each is asked of the tools, where a version has it. */
const asked: Readonly<Record<string, (ask: Function, tools: object) => unknown>> = {
  convertToModelMessages: (convert, tools) => convert(history, { tools }),
  validateUIMessages: (validate, tools) => validate({ messages: history, tools }),
  safeValidateUIMessages: (validate, tools) => validate({ messages: [{ id: "1" }], tools }),
  fingerprintTools: (fingerprint, tools) => fingerprint(tools),
  experimental_getRealtimeToolDefinitions: (definitions, tools) => definitions({ tools }),
  experimental_filterActiveTools: (filter, tools) => filter({ tools, activeTools: ["get"] }),
};

async function ask({ all }: Sdk, tools: object): Promise<object> {
  const known = Object.entries(asked).filter(([name]) => name in all);
  const answers = known.map(async ([name, how]) => [name, await how(all[name] as Function, tools)]);
  return {
    answers: Object.fromEntries(await Promise.all(answers)) as object,
    json: JSON.stringify(tools),
    members: Object.entries(tools).map(([name, tool]) => [name, Reflect.ownKeys(tool as object)]),
    spread: { ...tools },
  };
}

describe.each(sdks)("$name", (sdk) => {
  test("conversions, validation, fingerprints, members and JSON", async () => {
    const run = async (journal: Journal, wrap: Wrap) => {
      const bare = toolsOf(journal);
      const tools = wrap(bare, (keys, scope) => wrapTools(bare, { keys, scopes: { get: scope } }));
      return { wire: [], seen: await ask(sdk, tools) };
    };
    expect(await compareRuns(run)).toEqual([]);
    const { answers } = (await ask(sdk, toolsOf(new Journal()))) as { readonly answers: object };
    expect(Object.keys(answers)).toContain("convertToModelMessages");
  });
});

describe.each(newest)("$name", (sdk) => {
  test("a pin of a tool's definition holds after it is wrapped, and fails when it changes", async () => {
    const fingerprint = sdk.all["fingerprintTools"] as Function;
    const keys = testKeys();
    const pins = async (tools: ReturnType<typeof toolsOf>): Promise<unknown> =>
      await fingerprint(wrapTools(tools, { keys, scopes: { get: "tickets:read" } }));
    const tools = toolsOf(new Journal());
    const pinned = await fingerprint(tools);

    expect(await pins(tools)).toEqual(pinned);
    expect(await pins({ ...tools, get: { ...tools.get, description: "another" } })).not.toEqual(
      pinned,
    );
  });
});
