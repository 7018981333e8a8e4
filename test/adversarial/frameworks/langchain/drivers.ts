import type { LangChain } from "./versions.ts";

/** Anything of LangChain that runs. */
interface Runnable {
  readonly name?: string;
  invoke(input: unknown, config?: object): Promise<unknown>;
  batch(inputs: readonly unknown[], config?: object, options?: object): Promise<unknown[]>;
  stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config: object): AsyncIterable<unknown>;
  withRetry(options: object): Runnable;
  withFallbacks(fallbacks: readonly Runnable[]): Runnable;
  withConfig(config: object): Runnable;
  pipe(next: (output: unknown) => unknown): Runnable;
  /** What tools alone have. */
  call(input: unknown, config: object): Promise<unknown>;
}

type Calls = readonly { readonly name: string; readonly id: string; readonly args: object }[];

/** What a driver runs. */
interface Set {
  readonly lang: LangChain;
  readonly tools: readonly object[];
  /** The model's address. */
  readonly url: string;
  /** The tool calls of each turn, for what has no model. */
  readonly turns: readonly Calls[];
  /** Of `createAgent` and `createReactAgent`. */
  readonly settings: object;
  readonly config: object;
  /** What an agent is resumed with, one after the other. */
  readonly resume: readonly unknown[];
}

/** What runs the tools, and how. */
export interface Driver {
  readonly name: string;
  readonly run: (set: Set) => Promise<unknown>;
  /** It makes each call that many times. */
  readonly times?: number;
}

/** Each tool by itself. */
function direct(
  name: string,
  how: (tool: Runnable, call: Calls[number], config: object) => unknown,
  times = 1,
): Driver {
  const run = async ({ tools, turns, config }: Set): Promise<unknown> => {
    const results: unknown[] = [];
    for (const call of turns.flat()) {
      const tool = (tools as Runnable[]).find((one) => one.name === call.name);
      if (tool === undefined) continue;
      const made = { ...call, type: "tool_call" as const };
      results.push(await outcome(async () => await how(tool, made, config)));
    }
    return results;
  };
  return { name, run, times };
}

export const directDrivers: readonly Driver[] = [
  direct("tool.invoke", (tool, call, config) => tool.invoke(call, config)),
  // As `invoke` calls it.
  direct("tool.call", (tool, call, config) => tool.call(call.args, { ...config, toolCall: call })),
  direct(
    "tool.batch",
    (tool, call, config) => tool.batch([call, call], { ...config, maxConcurrency: 1 }),
    2,
  ),
  direct(
    "tool.batch, returning exceptions",
    (tool, call, config) =>
      tool.batch([call, call], { ...config, maxConcurrency: 1 }, { returnExceptions: true }),
    2,
  ),
  direct("tool.stream", async (tool, call, config) => collect(await tool.stream(call, config))),
  direct("tool.streamEvents", (tool, call, config) =>
    collect(tool.streamEvents(call, { ...config, version: "v2" })),
  ),
  direct("tool.withConfig, pipe", (tool, call, config) =>
    tool
      .withConfig({ tags: ["configured"], metadata: { more: true } })
      .pipe((output) => [output])
      .invoke(call, config),
  ),
];

/** Tools that fail at first: each call is made again. */
export const retryDrivers: readonly Driver[] = [
  direct("tool.withRetry", (tool, call, config) =>
    tool.withRetry({ stopAfterAttempt: 2 }).invoke(call, config),
  ),
  direct("tool.withFallbacks", (tool, call, config) =>
    tool.withFallbacks([tool]).invoke(call, config),
  ),
];

const toolNode: Driver = {
  name: "ToolNode",
  run: async ({ lang, tools, turns, config }) => {
    const node = new lang.prebuilt.ToolNode(tools as never);
    const results: unknown[] = [];
    for (const calls of turns) {
      const tool_calls = calls.map((call) => ({ ...call, type: "tool_call" as const }));
      const said = new lang.messages.AIMessage({ content: "", tool_calls });
      results.push(await outcome(() => node.invoke({ messages: [said] }, config)));
    }
    return results;
  },
};

type Prebuilt = "createAgent" | "createReactAgent";
type How = (made: Runnable, input: unknown, config: object) => unknown;

function agent(make: Prebuilt, name: string, how: How): Driver {
  const run = async ({ lang, tools, url, settings, config, resume }: Set): Promise<unknown> => {
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
    const asked = { messages: [{ role: "user", content: "go" }] };
    const inputs = [asked, ...resume.map((answer) => new lang.graph.Command({ resume: answer }))];
    const results: unknown[] = [];
    for (const input of inputs) {
      results.push(
        await outcome(async () => await how(made as unknown as Runnable, input, config)),
      );
    }
    return results;
  };
  return { name: `${make}, ${name}`, run };
}

const MODES = ["values", "updates", "messages", "custom", "tasks", "debug"];
const invoke: How = (made, input, config) => made.invoke(input, config);
const stream: How = async (made, input, config) =>
  await collect(await made.stream(input, { ...config, streamMode: MODES }));

/** Agents as `langchain` makes them. */
export const agentDrivers: readonly Driver[] = [
  agent("createAgent", "invoke", invoke),
  agent("createAgent", "stream", stream),
  agent("createAgent", "streamEvents", (made, input, config) =>
    collect(made.streamEvents(input, { ...config, version: "v2" })),
  ),
];

/** Everything that needs LangGraph. */
export const graphDrivers: readonly Driver[] = [
  toolNode,
  agent("createReactAgent", "invoke", invoke),
  agent("createReactAgent", "stream", stream),
  ...agentDrivers,
];

/** Agents of both packages. */
export const allAgents: readonly Driver[] = graphDrivers.slice(1);

/** What comes of it, or how it fails. */
async function outcome(run: () => unknown): Promise<unknown> {
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
