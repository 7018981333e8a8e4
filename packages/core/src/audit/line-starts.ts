import { AUDIT_VERSION } from "./event.ts";

/** How every line of a writer starts. */
export const LINE_START: string = `{"v":${AUDIT_VERSION},"writer":"`;

/**
 * How many places on a line are tried. Each may cost a parse of the rest of the line, and an honest
 * line has one, or two where a torn one stands before it.
 */
const TRIED = 8;

/** Where an event may start behind a torn one on the same line: the last place first. */
export function lineStarts(line: { lastIndexOf(text: string, from?: number): number }): number[] {
  const starts: number[] = [];
  let at = line.lastIndexOf(LINE_START);
  while (at > 0 && starts.length < TRIED) {
    starts.push(at);
    at = line.lastIndexOf(LINE_START, at - 1);
  }
  return starts;
}
