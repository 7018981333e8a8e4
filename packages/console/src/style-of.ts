import { type TextStyle, wantsColor } from "@agent-keys/core/audit";
import type { Terminal } from "./terminal.ts";

/** How text is to look where a command writes. */
export function styleOf({ env, isTerminal, columns }: Terminal): TextStyle {
  return { color: wantsColor(env, isTerminal), columns };
}
