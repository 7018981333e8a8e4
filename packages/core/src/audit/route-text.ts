import { textWidth, truncate } from "./text-width.ts";

const ROUTE = /^\S+ [A-Z]+ (?=\/)/;

/**
 * Cuts a text to a number of columns. Of a service's route, `github GET /repos/:owner/:repo/issues`, whole
 * segments go, and the first ones first: many routes begin alike, and the end says which it is.
 */
export function truncateRoute(text: string, columns: number): string {
  const [head] = ROUTE.exec(text) ?? [];
  if (head === undefined || textWidth(text) <= columns) return truncate(text, columns);
  const segments = text.slice(head.length).split("/");
  for (let dropped = 2; dropped < segments.length; dropped += 1) {
    const shorter = `${head}…/${segments.slice(dropped).join("/")}`;
    if (textWidth(shorter) <= columns) return shorter;
  }
  return truncate(text, columns);
}
