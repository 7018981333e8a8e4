/** Tools that call tools, and tools that find tools: `ai` 7 alone has them. */
import { call, type Journal } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, inputSchema, noting } from "./cases.ts";
import type { Tools } from "./observe.ts";
import { newest, type Sdk } from "./sdks.ts";

type Bound = Readonly<Record<string, { execute(...args: readonly unknown[]): unknown }>>;

/** What code mode does: a fresh tool for the tools it may call, which it executes directly. */
function program(journal: Journal, { all }: Sdk): object {
  const caller = all["experimental_toolCaller"] as (tool: object, definition: object) => object;
  const dynamicTool = all["dynamicTool"] as (definition: object) => object;
  const unbound = async (): Promise<unknown> => await Promise.reject(new Error("unbound"));
  return caller(
    { description: "runs programs", inputSchema, execute: unbound },
    {
      type: "local",
      bind: (bound: Bound, ...rest: readonly unknown[]) => {
        journal.tell("bind", Object.keys(bound), rest);
        return dynamicTool({
          description: `runs programs with ${Object.keys(bound).join()}`,
          inputSchema,
          execute: async (input: unknown, options: unknown) => {
            journal.note("run", input);
            return [await bound["lookUp"]?.execute(input, options), Object.keys(bound)];
          },
        });
      },
    },
  );
}

const withCaller = (journal: Journal, sdk: Sdk): Tools => ({
  run: program(journal, sdk),
  lookUp: noting(journal, "lookUp", async (input) => input.id),
});

const cases: readonly Case[] = [
  {
    name: "a program calls a tool",
    tools: withCaller,
    settings: () => ({ experimental_toolCallers: { lookUp: ["run"] } }),
    turns: [callOf("run", id)],
    // The inner call goes by the outer one's options, and its id.
    audit: [
      "minted run call-run",
      "minted lookUp call-run",
      "closed lookUp call-run ok",
      "closed run call-run ok",
    ],
  },
  {
    name: "a program that is bound to nothing",
    tools: withCaller,
    turns: [callOf("run", id), callOf("lookUp", id)],
    audit: [...call("run", "error"), ...call("lookUp")],
  },
  {
    name: "toolSearch() finds a tool that was held back",
    tools: (journal, { all }) => ({
      find: (all["toolSearch"] as () => object)(),
      lookUp: { ...noting(journal, "lookUp", (input) => input.id), deferLoading: true },
    }),
    turns: [callOf("find", { query: "lookUp" }), callOf("lookUp", id)],
    audit: call("lookUp"),
  },
];

compareCases(cases, { sdks: newest });
