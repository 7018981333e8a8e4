import * as middlewareOldest from "@agent-keys/langchain-middleware-oldest";
import * as oldest from "@agent-keys/langchain-oldest";
import * as coreOldest from "./core-oldest.ts";
import * as newest from "./newest.ts";

/** One version of LangChain and LangGraph. */
export type LangChain = typeof newest & {
  readonly name: string;
  /** Whether LangGraph and agents are there too. */
  readonly agents: boolean;
  /** The newest alone has tools that are generators. */
  readonly newest: boolean;
};

// The scenarios are written for the newest, and ask before they use what older ones lack.
const version = (name: string, all: object): LangChain => ({
  ...(all as typeof newest),
  name,
  agents: "langchain" in all,
  newest: all === newest,
});

/** Oldest first: of the core alone, of the core with agents, and of what the middleware needs. */
export const versions: readonly LangChain[] = [
  version("@langchain/core 1.0.0", coreOldest),
  version("@langchain/core 1.0.1, langchain 1.0.1", oldest),
  version("@langchain/core 1.1.17, langchain 1.2.13", middlewareOldest),
  version("the newest LangChain", newest),
];

/** Those that `@agent-keys/langchain/middleware` supports. */
export const withMiddleware: readonly LangChain[] = versions.slice(2);

/** The newest alone. */
export const newestOnly: readonly LangChain[] = versions.slice(3);
