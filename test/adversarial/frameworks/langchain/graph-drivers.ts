/** What runs tools in a graph. */
import { collect, type Driver, outcome, type Runnable, type Set } from "./drivers.ts";

const toolNodeOf = ({ lang, tools }: Set, options?: object): Runnable =>
  new lang.prebuilt.ToolNode(tools as never, options) as unknown as Runnable;

const messageOf = ({ lang }: Set, calls: Set["turns"][number]): object =>
  new lang.messages.AIMessage({
    content: "",
    tool_calls: calls.map((call) => ({ ...call, type: "tool_call" as const })),
  });

function node(name: string, how: (set: Set, calls: Set["turns"][number]) => unknown): Driver {
  const run = async (set: Set): Promise<unknown> => {
    const results: unknown[] = [];
    for (const calls of set.turns) results.push(await outcome(() => how(set, calls)));
    return results;
  };
  return { name, run };
}

export const toolNode: Driver = node("ToolNode", (set, calls) =>
  toolNodeOf(set).invoke({ messages: [messageOf(set, calls)] }, set.config),
);

/** Other ways to run a ToolNode; for a few scenarios. */
export const nodeDrivers: readonly Driver[] = [
  node("ToolNode, that throws", (set, calls) =>
    toolNodeOf(set, { handleToolErrors: false, name: "tools", tags: ["node"] }).invoke(
      [messageOf(set, calls)],
      set.config,
    ),
  ),
  node("ToolNode.stream", async (set, calls) =>
    collect(await toolNodeOf(set).stream({ messages: [messageOf(set, calls)] }, set.config)),
  ),
  node("ToolNode.streamEvents", (set, calls) =>
    collect(
      toolNodeOf(set).streamEvents(
        { messages: [messageOf(set, calls)] },
        { ...set.config, version: "v2" },
      ),
    ),
  ),
  node("a graph around a ToolNode", async (set, calls) => {
    const { END, MessagesAnnotation, START, StateGraph } = set.lang.graph;
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("tools", toolNodeOf(set) as never)
      .addEdge(START, "tools")
      .addEdge("tools", END)
      .compile();
    const stream = graph.stream({ messages: [messageOf(set, calls)] } as never, streaming(set));
    return collect(await stream);
  }),
];

type Prebuilt = "createAgent" | "createReactAgent";
type How = (made: Runnable, input: unknown, set: Set) => unknown;

function agent(make: Prebuilt, name: string, how: How): Driver {
  const run = async (set: Set): Promise<unknown> => {
    const { lang, tools, settings } = set;
    const model = new lang.openai.ChatOpenAI({
      model: "scripted",
      apiKey: "none",
      maxRetries: 0,
      configuration: { baseURL: set.url },
    });
    const made =
      make === "createAgent"
        ? lang.langchain.createAgent({ model, tools: tools as never, ...settings })
        : lang.prebuilt.createReactAgent({ llm: model, tools: tools as never, ...settings });
    const asked = { messages: [{ role: "user", content: "go" }], ...set.state };
    const inputs = [
      asked,
      ...set.resume.map((answer) => new lang.graph.Command({ resume: answer })),
    ];
    const results: unknown[] = [];
    for (const input of inputs) {
      results.push(await outcome(async () => await how(made as unknown as Runnable, input, set)));
    }
    return results;
  };
  return { name: `${make}, ${name}`, run, long: name !== "invoke" };
}

/** Every mode at once, in the order that the parts come in. */
function streaming({ lang, config }: Set): object {
  const modes = ["values", "updates", "messages", "custom", "tasks", "checkpoints", "debug"];
  const streamMode = lang.newest ? [...modes, "tools"] : modes;
  return { ...config, streamMode, subgraphs: true };
}

const invoke: How = (made, input, { config }) => made.invoke(input, config);
const stream: How = async (made, input, set) =>
  await collect(await made.stream(input, streaming(set)));
const streamEvents: How = (made, input, { config }) =>
  collect(made.streamEvents(input, { ...config, version: "v2" }));

/** Agents as `langchain` makes them. */
export const agentDrivers: readonly Driver[] = [
  agent("createAgent", "invoke", invoke),
  agent("createAgent", "stream", stream),
  agent("createAgent", "streamEvents", streamEvents),
];

/** Agents as LangGraph makes them. */
export const reactDrivers: readonly Driver[] = [
  agent("createReactAgent", "invoke", invoke),
  agent("createReactAgent", "stream", stream),
  agent("createReactAgent", "streamEvents", streamEvents),
];

/** Agents of both packages. */
export const allAgents: readonly Driver[] = [...reactDrivers, ...agentDrivers];

/** Everything that needs LangGraph. */
export const graphDrivers: readonly Driver[] = [toolNode, ...allAgents];

/** More ways to run an agent; for a few scenarios. */
export const rareAgents: readonly Driver[] = [
  agent("createReactAgent", "batch", (made, input, { config }) => made.batch([input], config)),
  agent("createAgent", "one stream mode", async (made, input, { config }) =>
    collect(await made.stream(input, { ...config, streamMode: "messages" })),
  ),
  agent("createAgent", "as server-sent events", async (made, input, { config }) => {
    const sent = await collect(
      await made.stream(input, { ...config, streamMode: "updates", encoding: "text/event-stream" }),
    );
    return sent.map((part) => (part instanceof Uint8Array ? new TextDecoder().decode(part) : part));
  }),
];

/** The newest alone has it: all events, and each tool call as it is shown to whoever asks for those. */
export const protocolDrivers: readonly Driver[] = [
  agent("createAgent", "streamEvents v3", async (made, input, { config }) => {
    const started: unknown = made.streamEvents(input, { ...config, version: "v3" });
    const run = (await started) as ProtocolRun;
    const toolCalls = async (): Promise<unknown[]> => {
      const results: unknown[] = [];
      for await (const call of run.toolCalls) {
        results.push({
          ...call,
          output: await outcome(() => call.output),
          status: await call.status,
        });
      }
      return results;
    };
    return await Promise.all([collect(run), toolCalls()]);
  }),
];

interface ProtocolRun extends AsyncIterable<unknown> {
  readonly toolCalls: AsyncIterable<{ readonly output: unknown; readonly status: unknown }>;
}
