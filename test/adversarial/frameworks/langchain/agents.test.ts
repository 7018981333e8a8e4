/** The same tools in agents that `langchain` makes. */
import { compareCases } from "./cases.ts";
import { agentDrivers } from "./graph-drivers.ts";
import { toolCases } from "./tool-cases.ts";
import { withAgents } from "./versions.ts";

compareCases(toolCases, { versions: withAgents, drivers: agentDrivers });
