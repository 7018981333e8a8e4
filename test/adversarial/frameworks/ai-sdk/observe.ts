import { wrapTools } from "@agent-keys/ai-sdk";
import type { Journal, Run, Wrap } from "../compare.ts";
import { startModel, type Turn } from "../model-server.ts";
import { listening } from "./callbacks.ts";
import type { Sdk, Settings } from "./sdks.ts";

export type Tools = Readonly<Record<string, object>>;

/** How an agent loop is run. */
export const loops = ["generateText", "streamText", "agent.generate", "agent.stream"] as const;
export type Loop = (typeof loops)[number];

/** One run of an agent loop, whatever the loop and the version. */
export interface Scenario {
  /** Fresh tools, that write into the journal. */
  readonly tools: (journal: Journal, sdk: Sdk) => Tools;
  readonly turns: readonly Turn[];
  /** Settings of the loop, beside those that every run has; fresh ones. */
  readonly settings?: (journal: Journal, sdk: Sdk) => Settings;
  readonly messages?: readonly object[];
  readonly signal?: (journal: Journal) => AbortSignal;
}

/** A run of the scenario by one loop of one version. */
export function runOf(sdk: Sdk, loop: Loop, scenario: Scenario): Run {
  return async (journal, wrap) => {
    await using model = await startModel(scenario.turns);
    const tools = wrapped(wrap, scenario.tools(journal, sdk));
    const { heard, settings } = listening(sdk);
    const result = await drive(sdk, loop, {
      settings: {
        model: sdk.model(model.url),
        tools,
        stopWhen: sdk.stopWhen,
        maxRetries: 0,
        ...settings,
        ...scenario.settings?.(journal, sdk),
      },
      prompt: {
        messages: scenario.messages ?? [{ role: "user", content: "go" }],
        ...(scenario.signal && { abortSignal: scenario.signal(journal) }),
      },
    });
    return { wire: model.bodies, seen: { result, heard } };
  };
}

/** Wraps the tools as the run demands, each with the same scope. */
export function wrapped<T extends Tools>(wrap: Wrap, tools: T): T {
  return wrap(tools, (keys, scope) => wrapTools<T>(tools, { keys, defaultScope: () => scope }));
}

interface Call {
  readonly settings: Settings;
  readonly prompt: Settings;
}

/** All that comes out of one loop; how it failed, if it did. */
async function drive(sdk: Sdk, loop: Loop, { settings, prompt }: Call): Promise<object> {
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

async function resultOf(result: object): Promise<object> {
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

async function streamed(result: object): Promise<object> {
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
export async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const parts: unknown[] = [];
  try {
    for await (const part of stream) parts.push(part);
  } catch (error) {
    parts.push({ broke: error });
  }
  return parts;
}
