import { inspect } from "node:util";

/** A case as one line that can be pasted: nothing cut, names and code points as they are. */
export function shown(value: unknown): string {
  return inspect(value, { depth: null, breakLength: Infinity, maxArrayLength: null });
}
