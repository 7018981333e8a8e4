import * as middlewareOldest from "@agent-keys/langchain-middleware-oldest";
import * as oldest from "@agent-keys/langchain-oldest";
import * as newest from "./newest.ts";

/** One version of LangChain and LangGraph. */
export type LangChain = typeof newest & {
  readonly name: string;
  /** Whether a tool can be a generator. */
  readonly streamingTools: boolean;
};

// The scenarios are written for the newest, and ask before they use what older ones lack.
const version = (name: string, all: object, streamingTools: boolean): LangChain => ({
  ...(all as typeof newest),
  name,
  streamingTools,
});

/** Oldest first: of `@langchain/core`, then of what the middleware needs. */
export const versions: readonly LangChain[] = [
  version("@langchain/core 1.0, langchain 1.0", oldest, false),
  version("langchain 1.2.13", middlewareOldest, false),
  version("the newest LangChain", newest, true),
];
