import { inspect } from "node:util";

/** What the scripted model says in one turn: text, or tool calls. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly ScriptedCall[];
}

/** One tool call of the model. Text as `input` is sent as it is, however malformed. */
export interface ScriptedCall {
  readonly toolName: string;
  readonly toolCallId: string;
  readonly input: unknown;
  readonly providerExecuted?: boolean;
}

/** A call of one tool, and how it is named in the loops of these tests. */
export function callOf(toolName: string, input: unknown, toolCallId = `call-${toolName}`): Turn {
  return { calls: [{ toolName, toolCallId, input }] };
}

/** One run of an agent loop. After the last turn the model says "done". */
export interface RunOptions {
  readonly tools: Record<string, object>;
  readonly turns: readonly Turn[];
  readonly messages?: readonly object[];
  readonly abortSignal?: AbortSignal;
  /** The request's own context: `experimental_context` in 5 and 6, every tool's `context` in 7. */
  readonly context?: unknown;
  /** Passed to the SDK as they are. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A part of a step that says how a tool call ended. */
export interface ToolPart {
  readonly type: "tool-result" | "tool-error";
  readonly toolName: string;
  readonly toolCallId: string;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly preliminary?: boolean;
}

/** What came of a run. */
export interface Finished {
  /** How each tool call ended, over all steps. */
  readonly ended: readonly ToolPart[];
  /** Every part of every step. */
  readonly content: readonly { readonly type: string; readonly approvalId?: string }[];
  readonly messages: readonly object[];
  /** The stream's parts, and the same as a browser gets them; empty when nothing was streamed. */
  readonly chunks: readonly ToolPart[];
  readonly browser: readonly unknown[];
  /** What the model was sent, at each step. */
  readonly prompts: readonly unknown[];
  /** What callbacks and telemetry were told. */
  readonly heard: readonly unknown[];
}

/** Everything that leaves a run, as one text. */
export function everythingIn(...values: readonly unknown[]): string {
  return inspect(values, {
    depth: null,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
  });
}

/** The results that these tests read, in all majors. */
interface Result {
  readonly steps: PromiseLike<readonly Step[]> | readonly Step[];
  readonly response: PromiseLike<Response> | Response;
  /** Of all steps: in 7, where `response` is the last step's. */
  readonly responseMessages?: PromiseLike<readonly object[]> | readonly object[];
}

interface Streamed extends Result {
  readonly fullStream: AsyncIterable<unknown>;
  toUIMessageStream(): AsyncIterable<unknown>;
}

interface Step {
  readonly content: Finished["content"];
}

interface Response {
  readonly messages: readonly object[];
}

interface MockModel {
  readonly doGenerateCalls: readonly { readonly prompt: unknown }[];
  readonly doStreamCalls: readonly { readonly prompt: unknown }[];
}

type Name = "ai 5" | "ai 6" | "ai 7";

/** What differs between the majors. */
export interface Differences {
  readonly name: Name;
  readonly model: (next: () => ModelTurn) => MockModel;
  readonly generateText: (options: never) => PromiseLike<unknown>;
  readonly streamText: (options: never) => unknown;
  readonly Agent: new (settings: never) => {
    generate(options: never): PromiseLike<unknown>;
    stream(options: never): unknown;
  };
  readonly stopWhen: unknown;
  readonly context: (value: unknown, names: readonly string[]) => object;
  readonly telemetry: (record: (fact: unknown) => void) => object;
}

/** One major of the AI SDK, as these tests use it. */
export interface Major {
  readonly name: Name;
  generateText(options: RunOptions): Promise<Finished>;
  streamText(options: RunOptions): Promise<Finished>;
  agentGenerate(options: RunOptions): Promise<Finished>;
  agentStream(options: RunOptions): Promise<Finished>;
}

const CALLBACKS = [
  "onStepFinish",
  "onFinish",
  "onChunk",
  "onError",
  "onAbort",
  "experimental_onToolCallStart",
  "experimental_onToolCallFinish",
  "onToolExecutionStart",
  "onToolExecutionEnd",
];

/** Makes a major testable. */
export function major(sdk: Differences): Major {
  const prepare = (run: RunOptions) => {
    const heard: unknown[] = [];
    const hear = (name: string) => (event: unknown) => void heard.push({ [name]: event });
    const model = sdk.model(script(run.turns));
    const { tools, messages = [{ role: "user", content: "go" }], abortSignal } = run;
    const prompt = { messages, ...(abortSignal === undefined ? {} : { abortSignal }) };
    const settings = {
      model,
      tools,
      stopWhen: sdk.stopWhen,
      maxRetries: 0,
      ...(run.context === undefined ? {} : sdk.context(run.context, Object.keys(tools))),
      ...Object.fromEntries(CALLBACKS.map((name) => [name, hear(name)])),
      experimental_telemetry: sdk.telemetry((fact) => void heard.push(fact)),
      ...run.settings,
    };
    return { model, heard, prompt, settings };
  };
  type Prepared = ReturnType<typeof prepare>;

  const finished = async ({ model, heard }: Prepared, result: unknown): Promise<Finished> => {
    const { steps, response, responseMessages } = result as Result;
    const content = (await steps).flatMap((step) => step.content);
    return {
      content,
      ended: content.filter(isEnd),
      messages: (await responseMessages) ?? (await response).messages,
      chunks: [],
      browser: [],
      prompts: [...model.doGenerateCalls, ...model.doStreamCalls].map(({ prompt }) => prompt),
      heard,
    };
  };
  const streamed = async (prepared: Prepared, result: unknown): Promise<Finished> => {
    const stream = (await result) as Streamed;
    // The SDK splits its stream, so both readers see all of it.
    const [chunks, browser] = await Promise.all([
      collect(stream.fullStream),
      collect(stream.toUIMessageStream()),
    ]);
    const ends = chunks.filter((chunk) => isEnd(chunk as { type: string }));
    return { ...(await finished(prepared, stream)), chunks: ends as ToolPart[], browser };
  };

  return {
    name: sdk.name,
    async generateText(run) {
      const prepared = prepare(run);
      const options = { ...prepared.settings, ...prepared.prompt };
      return await finished(prepared, await sdk.generateText(options as never));
    },
    async streamText(run) {
      const prepared = prepare(run);
      const options = { ...prepared.settings, ...prepared.prompt };
      return await streamed(prepared, sdk.streamText(options as never));
    },
    async agentGenerate(run) {
      const prepared = prepare(run);
      const agent = new sdk.Agent(prepared.settings as never);
      return await finished(prepared, await agent.generate(prepared.prompt as never));
    },
    async agentStream(run) {
      const prepared = prepare(run);
      const agent = new sdk.Agent(prepared.settings as never);
      return await streamed(prepared, agent.stream(prepared.prompt as never));
    },
  };
}

function isEnd(part: { readonly type: string }): part is ToolPart {
  return part.type === "tool-result" || part.type === "tool-error";
}

/** Everything that comes out of a stream. */
export async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const parts: unknown[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

/** A turn in the words of the models' specifications, which agree but for how a turn finishes. */
export interface ModelTurn {
  readonly content: readonly object[];
  readonly parts: readonly object[];
  readonly finish: "stop" | "tool-calls";
}

function script(turns: readonly Turn[]): () => ModelTurn {
  let count = 0;
  return () => {
    const { text, calls = [] } = turns[count++] ?? { text: "done" };
    const toolCalls = calls.map(({ input, ...call }) => ({
      type: "tool-call",
      ...call,
      input: typeof input === "string" ? input : JSON.stringify(input),
    }));
    const said = text === undefined ? [] : [{ type: "text", text }];
    const delta = [
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: text },
      { type: "text-end", id: "t" },
    ];
    return {
      content: [...said, ...toolCalls],
      parts: [
        { type: "stream-start", warnings: [] },
        ...(text === undefined ? [] : delta),
        ...toolCalls,
      ],
      finish: calls.length > 0 ? "tool-calls" : "stop",
    };
  };
}

/** An OpenTelemetry tracer that writes down everything it is told. */
export function recordingTracer(record: (fact: unknown) => void): object {
  const span: object = new Proxy(
    {},
    {
      get:
        (_, name) =>
        (...args: readonly unknown[]) => {
          record({ span: name, args });
          return span;
        },
    },
  );
  return {
    startSpan: (...args: unknown[]) => (record({ startSpan: args }), span),
    startActiveSpan: (...args: unknown[]) => {
      record({ startActiveSpan: args });
      return (args.at(-1) as (span: object) => unknown)(span);
    },
  };
}
