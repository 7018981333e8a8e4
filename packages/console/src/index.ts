/**
 * The `agent-keys` command, to be run inside another program.
 *
 * @module
 */
export { run } from "./run.ts";
export { processTerminal, type Terminal } from "./terminal.ts";
