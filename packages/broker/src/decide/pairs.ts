import { decode, encode } from "./target.ts";

/** One name and value of a query or a form, decoded. */
export type Pair = readonly [name: string, value: string];

/**
 * Reads `a=1&b=2`, as in a query or a form (`application/x-www-form-urlencoded`). `undefined` when it is
 * malformed: an encoding that is none, not UTF-8, a control character in a name.
 */
export function readPairs(text: string): readonly Pair[] | undefined {
  const pairs: Pair[] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = decodePlus(at === -1 ? part : part.slice(0, at));
    const value = decodePlus(at === -1 ? "" : part.slice(at + 1));
    if (name === undefined || value === undefined) return undefined;
    if (name === "" || /\p{Cc}/u.test(name)) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

/** Written anew from what was read, so that nobody downstream can read it otherwise. */
export function writePairs(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

function decodePlus(text: string): string | undefined {
  return decode(text.replaceAll("+", " "));
}
