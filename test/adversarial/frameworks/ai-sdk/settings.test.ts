/** What tools say of themselves, and what a loop is told about them. */
import * as z from "zod";
import * as z3 from "zod/v3";
import { call } from "../compare.ts";
import { callOf, startModel } from "../model-server.ts";
import { type Case, compareCases, id, inputSchema, noting } from "./cases.ts";
import { sdks } from "./sdks.ts";

type Build = (definition: object) => object;

const cases: readonly Case[] = [
  {
    name: "a tool's own callbacks and every field it may have",
    tools: (journal) => {
      const tell =
        (name: string) =>
        (...args: readonly unknown[]): void =>
          journal.tell(name, ...args);
      return {
        get: {
          ...noting(journal, "get", (input) => input.id),
          title: "Get a ticket",
          outputSchema: z.string(),
          providerOptions: { scripted: { cached: true } },
          strict: true,
          inputExamples: [{ input: { id: "t-0" } }],
          metadata: { annotations: { readOnlyHint: true } },
          sensitiveContext: {},
          onInputStart: tell("onInputStart"),
          onInputDelta: tell("onInputDelta"),
          onInputAvailable: tell("onInputAvailable"),
          toModelOutput: (given: unknown) => {
            journal.tell("toModelOutput", given);
            return { type: "content", value: [{ type: "text", text: "for the model" }] };
          },
        },
      };
    },
    turns: [callOf("get", id)],
    audit: call("get"),
  },
  {
    name: "tools as instances of a class, with private members and accessors",
    tools: (journal) => {
      class Lookup {
        readonly #prefix = "looked up ";
        readonly inputSchema = inputSchema;
        get description(): string {
          return `${this.#prefix}by a class`;
        }
        execute(input: { readonly id: string }): string {
          journal.note("lookup", input, Object.keys(this));
          return this.#prefix + input.id;
        }
        toModelOutput(): object {
          return { type: "text", value: this.#prefix };
        }
      }
      return { lookup: new Lookup() };
    },
    turns: [callOf("lookup", id)],
    audit: call("lookup"),
  },
  {
    name: "schemas of every kind, on the wire and at work",
    tools: (journal, { all, major }) => {
      const jsonSchema = all["jsonSchema"] as (schema: object, options?: object) => object;
      const body = (name: string) => (input: unknown) => {
        journal.note(name, input);
        return input;
      };
      const described = z.object({
        id: z.string().toUpperCase().describe("an id"),
        count: z.number().default(3),
        kind: z.enum(["a", "b"]).optional(),
      });
      const properties = { id: { type: "string" } };
      const json = { type: "object", properties, additionalProperties: false };
      const validate = (value: unknown) => ({ success: true, value: { validated: value } });
      return {
        zod4: { inputSchema: described, execute: body("zod4") },
        zod3: { inputSchema: z3.object({ id: z3.string() }), execute: body("zod3") },
        json: { inputSchema: jsonSchema(json), execute: body("json") },
        checked: { inputSchema: jsonSchema(json, { validate }), execute: body("checked") },
        ...(major > 5 && { lazy: { inputSchema: () => jsonSchema(json), execute: body("lazy") } }),
      };
    },
    turns: [callOf("zod4", id), callOf("zod3", id), callOf("json", id), callOf("checked", id)],
    audit: [...call("zod4"), ...call("zod3"), ...call("json"), ...call("checked")],
  },
  {
    name: "dynamic, client-side and provider-executed tools beside one that runs here",
    tools: (journal, { all, major }) => ({
      dynamic: (all["dynamicTool"] as Build)(noting(journal, "dynamic", (input) => input)),
      askUser: { description: "the client asks", inputSchema, outputSchema: z.string() },
      hosted: {
        type: major === 5 ? "provider-defined" : "provider",
        id: "acme.search",
        name: "search",
        args: { limit: 3 },
        inputSchema,
        isProviderExecuted: true,
      },
    }),
    turns: [callOf("dynamic", id), callOf("askUser", id)],
    audit: call("dynamic"),
  },
  {
    name: "the request's context, active tools, choices and changes from step to step",
    tools: (journal) => ({
      get: noting(journal, "get", (_, options) => {
        journal.tell("context", options["experimental_context"], options["context"]);
        return "fine";
      }),
      hidden: noting(journal, "hidden", () => "never"),
    }),
    settings: (journal, { major }) => ({
      activeTools: ["get"],
      toolChoice: { type: "tool", toolName: "get" },
      ...(major === 7
        ? { toolsContext: { get: { user: "u-1" } }, runtimeContext: { tenant: "t" } }
        : { experimental_context: { user: "u-1" } }),
      prepareStep: ({ stepNumber }: { readonly stepNumber: number }) => {
        journal.tell("prepareStep", stepNumber);
        return stepNumber === 0 ? {} : { toolChoice: "none", activeTools: [] };
      },
    }),
    turns: [callOf("get", id)],
    audit: call("get"),
  },
  {
    name: "a tool that runs another loop with its own tools",
    tools: (journal, sdk, wrapped) => {
      const inner = noting(journal, "inner", (input) => `${input.id} from within`);
      const ask = async (tools: object): Promise<string> => {
        await using model = await startModel([callOf("inner", id)]);
        const { generateText, stopWhen } = sdk;
        const settings = { model: sdk.model(model.url), stopWhen, tools, prompt: "go" };
        const result = (await generateText(settings)) as { readonly text: string };
        journal.tell("wire", model.bodies, result.text);
        return result.text;
      };
      return { inner, outer: noting(journal, "outer", () => ask(wrapped({ inner }))) };
    },
    turns: [callOf("outer", id), callOf("inner", id, "call-direct")],
    audit: [
      "minted outer call-outer",
      ...call("inner"),
      "closed outer call-outer ok",
      ...call("inner", "ok", "call-direct"),
    ],
  },
];

compareCases(cases, { sdks });
