import type { Recordable } from "./fact.ts";
import type { Sink } from "./sink.ts";

/** Takes a line, and the fact that it tells of. */
type WriteLine = (line: string, fact: Recordable) => void;

const lineWriters = new WeakMap<Sink["write"], WriteLine>();

/**
 * A sink's `write` that only looks at the line, which a chain has anyway: the event, which takes longer
 * to make than to write, need not be made for it. Known by the function, so that whoever puts another
 * `write` around it is given events.
 */
export function takesLines(writeLine: WriteLine): Sink["write"] {
  const write: Sink["write"] = (event, line) => writeLine(line, event);
  lineWriters.set(write, writeLine);
  return write;
}

/** How to write a line alone to a sink; `undefined` when it wants the event. */
export function lineWriterOf(sink: Sink): WriteLine | undefined {
  return lineWriters.get(Reflect.get(sink, "write"));
}
