/** Tools that are run by themselves. */
import { compareCases } from "./cases.ts";
import { directDrivers } from "./direct-drivers.ts";
import { toolCases } from "./tool-cases.ts";
import { versions } from "./versions.ts";

const cases = toolCases.filter(({ inGraphs = false }) => !inGraphs);
compareCases(cases, { versions, drivers: directDrivers });
