import { wrapTools } from "@agent-keys/ai-sdk";
import type { Journal, Run } from "../compare.ts";
import { startModel, type Turn } from "../model-server.ts";
import { listening } from "./callbacks.ts";
import type { Sdk, Settings } from "./sdks.ts";

export type Tools = Readonly<Record<string, object>>;

/** How an agent loop is run. */
export const loops = ["generateText", "streamText", "agent.generate", "agent.stream"] as const;
export type Loop = (typeof loops)[number];

/** One run of an agent loop, whatever the loop and the version. */
export interface Scenario {
  /** Fresh tools, that write into the journal. What they run themselves, `wrapped` wraps as well. */
  readonly tools: (
    journal: Journal,
    sdk: Sdk,
    wrapped: (tools: Tools) => Tools,
  ) => Tools | Promise<Tools>;
  readonly turns: readonly Turn[];
  /** Settings of the loop, beside those that every run has; fresh ones. */
  readonly settings?: (journal: Journal, sdk: Sdk) => Settings;
  /** The loop gets the signal of `journal.abort`. */
  readonly aborted?: boolean;
  /** What the loop is called with again, after it has ended with these messages. */
  readonly answer?: (content: readonly Part[]) => readonly object[];
}

/** What a step of a loop is made of. */
export interface Part {
  readonly type: string;
  readonly approvalId?: string;
}

/** A run of the scenario by one loop of one version. */
export function runOf(sdk: Sdk, loop: Loop, scenario: Scenario): Run {
  return async (journal, wrap) => {
    await using model = await startModel(scenario.turns);
    const wrapped = (bare: Tools): Tools =>
      wrap(bare, (keys, scope) => wrapTools(bare, { keys, defaultScope: () => scope }));
    const tools = wrapped(await scenario.tools(journal, sdk, wrapped));
    const { heard, settings } = listening(sdk);
    const loopOnce = (messages: readonly object[]): Promise<Settings> =>
      drive(sdk, loop, {
        settings: {
          model: sdk.model(model.url),
          tools,
          stopWhen: sdk.stopWhen,
          maxRetries: 0,
          ...settings,
          ...scenario.settings?.(journal, sdk),
        },
        prompt: { messages, ...(scenario.aborted && { abortSignal: journal.abort.signal }) },
      });

    const asked = [{ role: "user", content: "go" }];
    const results = [await loopOnce(asked)];
    if (scenario.answer !== undefined) {
      const { steps, response, responseMessages } = results[0] as unknown as Ended;
      const answers = scenario.answer(steps.flatMap(({ content }) => content));
      results.push(
        await loopOnce([...asked, ...(responseMessages ?? response.messages), ...answers]),
      );
    }
    return { wire: model.bodies, seen: { results, heard } };
  };
}

/** What a second run goes by. */
interface Ended {
  readonly steps: readonly { readonly content: readonly Part[] }[];
  readonly response: { readonly messages: readonly object[] };
  readonly responseMessages?: readonly object[];
}

interface Call {
  readonly settings: Settings;
  readonly prompt: Settings;
}

/** All that comes out of one loop; how it failed, if it did. */
async function drive(sdk: Sdk, loop: Loop, { settings, prompt }: Call): Promise<Settings> {
  try {
    const all = { ...settings, ...prompt };
    switch (loop) {
      case "generateText":
        return await resultOf(await sdk.generateText(all));
      case "streamText":
        return await streamed(sdk.streamText(all));
      case "agent.generate":
        return await resultOf(await new sdk.Agent(settings).generate(prompt));
      case "agent.stream":
        return await streamed(await new sdk.Agent(settings).stream(prompt));
    }
  } catch (error) {
    return { rejected: error };
  }
}

/** What a result is asked for; the versions lack some of it, and an aborted stream has none. */
const MEMBERS = [
  "content",
  "text",
  "reasoning",
  "toolCalls",
  "staticToolCalls",
  "dynamicToolCalls",
  "toolResults",
  "staticToolResults",
  "dynamicToolResults",
  "finishReason",
  "usage",
  "totalUsage",
  "warnings",
  "steps",
  "response",
  "responseMessages",
  "request",
  "providerMetadata",
];

async function resultOf(result: object): Promise<Settings> {
  const members = result as Readonly<Record<string, unknown>>;
  const read = MEMBERS.filter((name) => name in result).map(async (name) => {
    try {
      return [name, await members[name]] as const;
    } catch (error) {
      return [name, { rejected: error }] as const;
    }
  });
  return Object.fromEntries(await Promise.all(read));
}

async function streamed(result: object): Promise<Settings> {
  const stream = result as {
    readonly fullStream: AsyncIterable<unknown>;
    toUIMessageStream(): AsyncIterable<unknown>;
  };
  // The SDK splits its stream, so both readers see all of it.
  const [parts, ui] = await Promise.all([
    collect(stream.fullStream),
    collect(stream.toUIMessageStream()),
  ]);
  return { parts, ui, ...(await resultOf(result)) };
}

/** Everything that comes out of a stream, and how it broke off. */
async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const parts: unknown[] = [];
  try {
    for await (const part of stream) parts.push(part);
  } catch (error) {
    parts.push({ broke: error });
  }
  return parts;
}
