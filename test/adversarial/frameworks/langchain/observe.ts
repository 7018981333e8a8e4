import { wrapTools } from "@agent-keys/langchain";
import type { Journal, Run, Wrap } from "../compare.ts";
import { startModel, type Turn } from "../model-server.ts";
import { listening } from "./callbacks.ts";
import type { LangChain } from "./versions.ts";

/** Anything of LangChain that runs. */
interface Runnable {
  readonly name?: string;
  invoke(input: unknown, config?: object): Promise<unknown>;
  batch(inputs: readonly unknown[], config?: object): Promise<unknown[]>;
  stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config: object): AsyncIterable<unknown>;
}

/** One run, whatever runs the tools, in any version. */
export interface Scenario {
  /** Fresh tools, that write into the journal. */
  readonly tools: (journal: Journal, lang: LangChain) => readonly object[];
  readonly turns: readonly Turn[];
  /** Settings of `createAgent`, beside those that every run has; fresh ones. */
  readonly settings?: (journal: Journal, lang: LangChain) => object;
  /** Of each run's config; fresh. */
  readonly config?: (journal: Journal) => object;
}

type Calls = readonly { readonly name: string; readonly id: string; readonly args: object }[];

/** What runs the tools, and how. */
export interface Driver {
  readonly name: string;
  /** It makes each call that many times. */
  readonly times?: number;
  run(set: {
    readonly lang: LangChain;
    readonly tools: readonly object[];
    readonly url: string;
    /** The tool calls of each turn, for what has no model. */
    readonly turns: readonly Calls[];
    readonly settings: object;
    readonly config: object;
  }): Promise<unknown>;
}

const agent =
  (make: "createAgent" | "createReactAgent", how: (made: Runnable, config: object) => unknown) =>
  ({ lang, tools, url, settings, config }: Parameters<Driver["run"]>[0]): Promise<unknown> => {
    const model = new lang.openai.ChatOpenAI({
      model: "scripted",
      apiKey: "none",
      maxRetries: 0,
      configuration: { baseURL: url },
    });
    const made =
      make === "createAgent"
        ? lang.langchain.createAgent({ model, tools: tools as never, ...settings })
        : lang.prebuilt.createReactAgent({ llm: model, tools: tools as never, ...settings });
    return outcome(async () => await how(made as unknown as Runnable, config));
  };

const ask = { messages: [{ role: "user", content: "go" }] };
const invoke = (made: Runnable, config: object): unknown => made.invoke(ask, config);
const MODES = ["values", "updates", "messages", "custom", "tasks", "debug"];
const stream = async (made: Runnable, config: object): Promise<unknown> =>
  await collect(await made.stream(ask, { ...config, streamMode: MODES }));

/** Each tool by itself. */
const direct =
  (how: (tool: Runnable, call: object, config: object) => unknown): Driver["run"] =>
  async ({ tools, turns, config }) => {
    const results: unknown[] = [];
    for (const call of turns.flat()) {
      const tool = (tools as Runnable[]).find(({ name }) => name === call.name);
      if (tool === undefined) continue;
      results.push(
        await outcome(async () => await how(tool, { ...call, type: "tool_call" }, config)),
      );
    }
    return results;
  };

export const drivers: readonly Driver[] = [
  { name: "tool.invoke", run: direct((tool, call, config) => tool.invoke(call, config)) },
  {
    name: "tool.batch",
    times: 2,
    run: direct((tool, call, config) => tool.batch([call, call], { ...config, maxConcurrency: 1 })),
  },
  {
    name: "tool.stream",
    run: direct(async (tool, call, config) => await collect(await tool.stream(call, config))),
  },
  {
    name: "tool.streamEvents",
    run: direct((tool, call, config) =>
      collect(tool.streamEvents(call, { ...config, version: "v2" })),
    ),
  },
  {
    name: "ToolNode",
    run: async ({ lang, tools, turns, config }) => {
      const node = new lang.prebuilt.ToolNode(tools as never);
      const results: unknown[] = [];
      for (const tool_calls of turns) {
        const calls = tool_calls.map((call) => ({ ...call, type: "tool_call" as const }));
        const said = new lang.messages.AIMessage({ content: "", tool_calls: calls });
        results.push(await outcome(() => node.invoke({ messages: [said] }, config)));
      }
      return results;
    },
  },
  { name: "createReactAgent, invoke", run: agent("createReactAgent", invoke) },
  { name: "createReactAgent, stream", run: agent("createReactAgent", stream) },
  { name: "createAgent, invoke", run: agent("createAgent", invoke) },
  { name: "createAgent, stream", run: agent("createAgent", stream) },
  {
    name: "createAgent, streamEvents",
    run: agent("createAgent", (made, config) =>
      collect(made.streamEvents(ask, { ...config, version: "v2" })),
    ),
  },
];

/** A run of the scenario by one driver in one version. */
export function runOf(lang: LangChain, driver: Driver, scenario: Scenario): Run {
  return async (journal, wrap) => {
    await using model = await startModel(scenario.turns);
    const { heard, handlers } = listening(lang);
    const result = await driver.run({
      lang,
      tools: wrapped(wrap, scenario.tools(journal, lang)),
      url: model.url,
      turns: scenario.turns.map(({ calls = [] }) => calls as Calls),
      settings: scenario.settings?.(journal, lang) ?? {},
      config: { callbacks: handlers, ...scenario.config?.(journal) },
    });
    return { wire: model.bodies, seen: { result, heard } };
  };
}

/** Wraps the tools as the run demands, each with the same scope. */
export function wrapped<T extends readonly object[]>(wrap: Wrap, tools: T): T {
  return wrap(
    tools,
    (keys, scope) => wrapTools(tools, { keys, defaultScope: () => scope }) as unknown as T,
  );
}

/** What comes of it, or how it fails. */
export async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return { rejected: error };
  }
}

/** Everything that comes out of a stream, and how it broke off. */
async function collect(steps: AsyncIterable<unknown>): Promise<unknown[]> {
  const parts: unknown[] = [];
  try {
    for await (const part of steps) parts.push(part);
  } catch (error) {
    parts.push({ broke: error });
  }
  return parts;
}
