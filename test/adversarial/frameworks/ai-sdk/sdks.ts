/**
 * Every major of the AI SDK in the peer range, the newest installed one and the oldest, each with
 * the provider package that goes with it.
 */
import * as ai7 from "ai";
import * as ai5 from "ai5";
import * as ai5Oldest from "ai5-oldest";
import * as ai6 from "ai6";
import * as ai6Oldest from "ai6-oldest";
import * as ai7Oldest from "ai7-oldest";
import { createOpenAICompatible as provider7 } from "@ai-sdk/openai-compatible";
import { createOpenAICompatible as provider5 } from "openai-compatible5";
import { createOpenAICompatible as provider6 } from "openai-compatible6";

/** What an agent loop is called with: the same words in every major, as far as they have them. */
export type Settings = Readonly<Record<string, unknown>>;

interface Agent {
  generate(prompt: Settings): PromiseLike<object>;
  stream(prompt: Settings): PromiseLike<object> | object;
}

/** One version of the AI SDK. */
export interface Sdk {
  readonly name: string;
  readonly major: 5 | 6 | 7;
  readonly generateText: (settings: Settings) => PromiseLike<object>;
  readonly streamText: (settings: Settings) => object;
  readonly Agent: new (settings: Settings) => Agent;
  readonly stopWhen: unknown;
  readonly model: (baseURL: string) => unknown;
  /** All that the package exports, for what only some versions have. */
  readonly all: Readonly<Record<string, unknown>>;
}

type Provider = (options: { readonly name: string; readonly baseURL: string }) => {
  chatModel(name: string): unknown;
};

function sdk(name: string, major: Sdk["major"], exported: object, provider: Provider): Sdk {
  const all = exported as Readonly<Record<string, unknown>>;
  const count = (all["isStepCount"] ?? all["stepCountIs"]) as (steps: number) => unknown;
  return {
    name,
    major,
    generateText: all["generateText"] as Sdk["generateText"],
    streamText: all["streamText"] as Sdk["streamText"],
    Agent: (all["ToolLoopAgent"] ?? all["Experimental_Agent"]) as Sdk["Agent"],
    stopWhen: count(6),
    model: (baseURL) => provider({ name: "scripted", baseURL }).chatModel("scripted"),
    all,
  };
}

/** Oldest first. */
export const sdks: readonly Sdk[] = [
  sdk("ai 5.0.11", 5, ai5Oldest, provider5),
  sdk("ai 5", 5, ai5, provider5),
  sdk("ai 6.0.0", 6, ai6Oldest, provider6),
  sdk("ai 6", 6, ai6, provider6),
  sdk("ai 7.0.0", 7, ai7Oldest, provider7),
  sdk("ai 7", 7, ai7, provider7),
];

/** Those that can ask a person before they execute a tool. */
export const withApproval: readonly Sdk[] = sdks.filter(({ major }) => major > 5);
