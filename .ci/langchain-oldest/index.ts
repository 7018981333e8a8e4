/** The oldest LangChain that `@agent-keys/langchain` supports, for tests that run it beside the newest.
 * What is in this file is the same for each version; where it lies decides which one it gets. */
export * as callbacks from "@langchain/core/callbacks/base";
export * as dispatch from "@langchain/core/callbacks/dispatch";
export * as messages from "@langchain/core/messages";
export * as runnables from "@langchain/core/runnables";
export * as tools from "@langchain/core/tools";
export * as tracers from "@langchain/core/tracers/base";
export * as langsmith from "@langchain/core/tracers/tracer_langchain";
export * as functionCalling from "@langchain/core/utils/function_calling";
export * as graph from "@langchain/langgraph";
export * as checkpoint from "@langchain/langgraph-checkpoint";
export * as prebuilt from "@langchain/langgraph/prebuilt";
export * as openai from "@langchain/openai";
export * as langchain from "langchain";
