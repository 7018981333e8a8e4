import * as middlewareOldest from "@agent-keys/langchain-middleware-oldest";
import * as agentsOldest from "@agent-keys/langchain-oldest";
import * as coreOldest from "./core-oldest.ts";
import * as newest from "./newest.ts";

/** One version of LangChain and LangGraph. */
export type LangChain = typeof newest & {
  readonly name: string;
  /** The newest alone has tools that are generators, and more streams. */
  readonly newest: boolean;
};

// The scenarios are written for the newest, and ask before they use what older ones lack.
const version = (name: string, all: object): LangChain => ({
  ...(all as typeof newest),
  name,
  newest: all === newest,
});

const oldestCore = version("@langchain/core 1.0.0", coreOldest);
const oldestAgents = version("@langchain/core 1.0.1, langchain 1.0.1", agentsOldest);
const oldestMiddleware = version("@langchain/core 1.1.17, langchain 1.2.13", middlewareOldest);
const newestOfAll = version("the newest LangChain", newest);

/** Oldest first: of the core alone, of the core with agents, and of what the middleware needs. */
export const versions: readonly LangChain[] = [
  oldestCore,
  oldestAgents,
  oldestMiddleware,
  newestOfAll,
];

/** The oldest and the newest that have agents. */
export const withAgents: readonly LangChain[] = [oldestAgents, newestOfAll];

/** The oldest and the newest that `@agent-keys/langchain/middleware` supports. */
export const withMiddleware: readonly LangChain[] = [oldestMiddleware, newestOfAll];

/** The newest alone. */
export const newestOnly: readonly LangChain[] = [newestOfAll];
