/** The same tools in LangGraph: its ToolNode, and the agents that it makes. */
import { compareCases } from "./cases.ts";
import { reactDrivers, toolNode } from "./graph-drivers.ts";
import { toolCases } from "./tool-cases.ts";
import { withAgents } from "./versions.ts";

compareCases(toolCases, { versions: withAgents, drivers: [toolNode, ...reactDrivers] });
