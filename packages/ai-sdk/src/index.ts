/**
 * Runs every tool call of the Vercel AI SDK (`ai` 5, 6 and 7) under its own scoped, expiring key.
 *
 * @module
 */
export type { WrapOptions, WrapToolOptions } from "./options.ts";
export type { CallOf, ExecuteOptions, InputOf } from "./tool-types.ts";
export { wrapTool, wrapTools } from "./wrap-tools.ts";
