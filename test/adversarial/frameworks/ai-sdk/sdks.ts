/**
 * Every major of the AI SDK in the peer range, the newest installed one and the oldest, each with
 * the provider package that goes with it.
 */
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import * as ai7 from "ai";
import * as ai5 from "ai5";
import * as ai5Oldest from "ai5-oldest";
import * as ai6 from "ai6";
import * as ai6Oldest from "ai6-oldest";
import * as ai7Oldest from "ai7-oldest";
import { createMCPClient as mcp7 } from "@ai-sdk/mcp";
import { experimental_createMCPClient as mcp5 } from "mcp5";
import { createMCPClient as mcp6 } from "mcp6";
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
  readonly createMcpClient: (options: { readonly transport: Transport }) => Promise<{
    tools(): Promise<Readonly<Record<string, object>>>;
  }>;
  /** All that the package exports, for what only some versions have. */
  readonly all: Readonly<Record<string, unknown>>;
}

type McpClient = Sdk["createMcpClient"];
type Provider = (options: { readonly name: string; readonly baseURL: string }) => {
  chatModel(name: string): unknown;
};

function sdk(
  name: string,
  exported: object,
  [major, provider, createMcpClient]: readonly [Sdk["major"], Provider, McpClient],
): Sdk {
  const all = exported as Readonly<Record<string, unknown>>;
  const count = (all["isStepCount"] ?? all["stepCountIs"]) as (steps: number) => unknown;
  return {
    name,
    major,
    generateText: all["generateText"] as Sdk["generateText"],
    streamText: all["streamText"] as Sdk["streamText"],
    Agent: (all["ToolLoopAgent"] ?? all["Experimental_Agent"]) as Sdk["Agent"],
    stopWhen: count(6),
    createMcpClient,
    model: (baseURL) => provider({ name: "scripted", baseURL }).chatModel("scripted"),
    all,
  };
}

const with5 = [5, provider5, mcp5 as McpClient] as const;
const with6 = [6, provider6, mcp6 as McpClient] as const;
const with7 = [7, provider7, mcp7 as McpClient] as const;

/** Oldest first. */
export const sdks: readonly Sdk[] = [
  // Its own MCP client went into a package later.
  sdk("ai 5.0.11", ai5Oldest, [5, provider5, ai5Oldest.experimental_createMCPClient as McpClient]),
  sdk("ai 5", ai5, with5),
  sdk("ai 6.0.0", ai6Oldest, with6),
  sdk("ai 6", ai6, with6),
  sdk("ai 7.0.0", ai7Oldest, with7),
  sdk("ai 7", ai7, with7),
];

/** The newest alone, for what came late. */
export const newest: readonly Sdk[] = sdks.slice(-1);
