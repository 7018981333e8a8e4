import { NAME_MAX_LENGTH } from "../service/fold-name.ts";
import { decode, encode } from "./target.ts";

/** More names than this no request has that means well; each is compared with those that are constrained. */
export const MAX_NAMES = 1000;

/** One name and value of a query or a form, decoded. */
export type Pair = readonly [name: string, value: string];

/**
 * Reads `a=1&b=2`, as in a query or a form (`application/x-www-form-urlencoded`). `undefined` when it is
 * malformed: an encoding that is none, not UTF-8, a control character in a name, a name that is too long, or
 * too many of them.
 */
export function readPairs(text: string): readonly Pair[] | undefined {
  const pairs: Pair[] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = decodePlus(at === -1 ? part : part.slice(0, at));
    const value = decodePlus(at === -1 ? "" : part.slice(at + 1));
    if (name === undefined || value === undefined) return undefined;
    if (name === "" || name.length > NAME_MAX_LENGTH || /\p{Cc}/u.test(name)) return undefined;
    if (pairs.push([name, value]) > MAX_NAMES) return undefined;
  }
  return pairs;
}

/** Written anew from what was read, so that nobody downstream can read it otherwise. */
export function writePairs(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

function decodePlus(text: string): string | undefined {
  return decode(text.includes("+") ? text.replaceAll("+", " ") : text);
}
