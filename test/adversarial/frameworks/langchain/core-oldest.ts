/** The oldest core of the peer range, without a graph: LangGraph 1.0 needs one that is a patch newer. */
export * as callbacks from "langchain-core-oldest/callbacks/base";
export * as dispatch from "langchain-core-oldest/callbacks/dispatch";
export * as messages from "langchain-core-oldest/messages";
export * as runnables from "langchain-core-oldest/runnables";
export * as tools from "langchain-core-oldest/tools";
export * as tracers from "langchain-core-oldest/tracers/base";
export * as langsmith from "langchain-core-oldest/tracers/tracer_langchain";
export * as functionCalling from "langchain-core-oldest/utils/function_calling";
