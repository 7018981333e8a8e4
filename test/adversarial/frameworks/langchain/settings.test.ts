/** What tools say of themselves, what agents are told about them, and what tools find there. */
import * as z from "zod";
import * as z3 from "zod/v3";
import { call } from "../compare.ts";
import { callOf, startModel } from "../model-server.ts";
import { type Case, compareCases, id, noting, schema } from "./cases.ts";
import { directDrivers } from "./direct-drivers.ts";
import { agentDrivers, allAgents, graphDrivers, reactDrivers } from "./graph-drivers.ts";
import { newestOnly, versions, withAgents } from "./versions.ts";

const schemas: Case = {
  name: "schemas of every kind, on the wire and at work",
  tools: (journal, lang) => {
    const described = z.object({
      id: z.string().toUpperCase().describe("an id"),
      count: z.number().default(3),
      kind: z.enum(["a", "b"]).optional(),
      day: z
        .string()
        .optional()
        .transform((day) => day ?? "today"),
    });
    const properties = { id: { type: "string", description: "an id" } };
    const json = { type: "object", properties, required: ["id"], additionalProperties: false };
    const body =
      (name: string) =>
      (input: unknown): unknown => {
        journal.note(name, input);
        return input;
      };
    const { DynamicStructuredTool, DynamicTool, Tool } = lang.tools;
    class Words extends Tool {
      readonly #suffix = "?";
      override name = "words";
      override description = "a class that takes text";
      protected override async _call(input: string): Promise<string> {
        journal.note("words", input);
        return input + this.#suffix;
      }
    }
    const made = { description: "made by hand" };
    return [
      lang.tools.tool(body("zod4"), { name: "zod4", schema: described }),
      lang.tools.tool(body("zod3"), {
        name: "zod3",
        schema: z3.object({ id: z3.string() }) as never,
      }),
      lang.tools.tool(body("json"), { name: "json", schema: json as never }),
      new DynamicStructuredTool({
        ...made,
        name: "dynamic",
        schema,
        func: body("dynamic") as never,
      }),
      new DynamicTool({ ...made, name: "text", func: body("text") as never }),
      new Words(),
    ];
  },
  turns: [
    callOf("zod4", id),
    callOf("zod3", id),
    callOf("json", id),
    callOf("dynamic", id),
    callOf("text", { input: "words" }),
    callOf("words", { input: "words" }),
  ],
  audit: ["zod4", "zod3", "json", "dynamic", "text", "words"].flatMap((name) => call(name)),
};

compareCases([schemas], { versions, drivers: directDrivers });
compareCases([schemas], { versions: withAgents, drivers: graphDrivers });

const runtime: Case = {
  name: "what a tool finds in its runtime: state, context, store, and the current task's input",
  tools: (journal, lang) => [
    noting(lang, journal, "get", async (input, config) => {
      const found = config as Readonly<Record<string, unknown>>;
      const { store } = found as { readonly store?: Store };
      await store?.put(["seen"], input.id, { by: "get" });
      journal.tell("found", found["context"], found["state"], found["toolCallId"]);
      journal.tell("store", (await store?.get(["seen"], input.id))?.value);
      journal.tell("task", lang.graph.getCurrentTaskInput(found as never));
      return input.id;
    }),
  ],
  settings: (_, { graph }) => ({
    store: new graph.InMemoryStore(),
    contextSchema: z.object({ user: z.string() }),
    name: "named",
  }),
  config: () => ({ context: { user: "u-1" }, configurable: { tenant: "t-1" } }),
  turns: [callOf("get", id)],
  audit: call("get"),
};

interface Store {
  put(namespace: string[], key: string, value: object): Promise<void>;
  get(namespace: string[], key: string): Promise<{ readonly value: unknown } | undefined>;
}

const nested: Case = {
  name: "a tool that runs another agent with its own tools",
  tools: (journal, lang, wrapped) => {
    const inner = noting(lang, journal, "inner", (input) => `${input.id} from within`);
    const ask = async (config: object): Promise<unknown> => {
      await using model = await startModel([callOf("inner", id)]);
      const agent = lang.langchain.createAgent({
        model: new lang.openai.ChatOpenAI({
          model: "scripted",
          apiKey: "none",
          configuration: { baseURL: model.url },
        }),
        tools: wrapped([inner]) as never,
      });
      const { messages } = await agent.invoke({ messages: [{ role: "user", content: "go" }] }, {
        ...config,
      } as never);
      journal.tell("wire", model.bodies);
      return messages.at(-1)?.content;
    };
    return [noting(lang, journal, "outer", (_, config) => ask(config))];
  },
  turns: [callOf("outer", id)],
  audit: ["minted outer call-outer", ...call("inner"), "closed outer call-outer ok"],
};

const commands: Case = {
  name: "parallel commands to the graph, beside a result",
  tools: (journal, lang) => [
    noting(lang, journal, "command", (input) => {
      const fields = { content: input.id, tool_call_id: `call-${input.id}`, name: "command" };
      const messages = [new lang.messages.ToolMessage(fields)];
      return new lang.graph.Command({ update: { messages } });
    }),
    noting(lang, journal, "get", async (input) => input.id),
  ],
  turns: [
    {
      calls: [
        { id: "call-1", name: "command", args: { id: "1" } },
        { id: "call-get", name: "get", args: id },
        { id: "call-2", name: "command", args: { id: "2" } },
      ],
    },
  ],
  audit: [...call("command", "ok", "call-1"), ...call("get"), ...call("command", "ok", "call-2")],
};

compareCases([runtime, nested, commands], { versions: withAgents, drivers: allAgents });

const get: Pick<Case, "tools" | "audit"> = {
  tools: (journal, lang) => [
    noting(lang, journal, "get", async (input) => input.id),
    { type: "function", function: { name: "hosted", parameters: { type: "object" } } },
  ],
  audit: call("get"),
};

compareCases(
  [
    {
      ...get,
      name: "responseFormat: the answer comes by a tool of the agent's own",
      settings: (_, { langchain }) => ({
        responseFormat: langchain.toolStrategy({
          title: "answer",
          type: "object",
          properties: { found: { type: "string" } },
          required: ["found"],
        } as never),
        systemPrompt: "be brief",
      }),
      turns: [callOf("get", id), callOf("extract-1", { found: "t-1" })],
    },
    {
      ...get,
      name: "middleware that looks at the tools, and at the model's requests",
      settings: (journal, { langchain }) => ({
        middleware: [
          langchain.createMiddleware({
            name: "looks",
            beforeModel: (state) => journal.tell("beforeModel", state),
            wrapModelCall: async (request, handler) => {
              journal.tell("request", request.tools, request.toolChoice);
              return await handler({ ...request, tools: request.tools.slice(0, 1) });
            },
            afterModel: (state) => journal.tell("afterModel", state),
          }),
        ],
      }),
      turns: [callOf("get", id)],
    },
    {
      ...get,
      name: "a version of the agent that runs its tools in one node",
      settings: () => ({ version: "v1" }),
      turns: [callOf("get", id)],
    },
  ],
  { versions: withAgents, drivers: agentDrivers },
);

// The oldest knows of no model that can do this but OpenAI's own.
compareCases(
  [
    {
      ...get,
      name: "responseFormat: the answer comes as the provider gives it",
      settings: (_, { langchain }) => ({
        responseFormat: langchain.providerStrategy(z.object({ found: z.string() })),
      }),
      turns: [callOf("get", id), { text: '{"found":"t-1"}' }],
    },
  ],
  { versions: newestOnly, drivers: agentDrivers },
);

compareCases(
  [
    {
      ...get,
      name: "a version of the agent with a task for each call, a prompt and hooks",
      settings: (journal) => ({
        version: "v2",
        prompt: "be brief",
        preModelHook: (state: object) => (journal.tell("pre", state), {}),
        postModelHook: (state: object) => (journal.tell("post", state), {}),
      }),
      turns: [{ calls: ["1", "2"].map((one) => ({ id: `call-${one}`, name: "get", args: id })) }],
      audit: [...call("get", "ok", "call-1"), ...call("get", "ok", "call-2")],
    },
  ],
  { versions: withAgents, drivers: reactDrivers },
);
