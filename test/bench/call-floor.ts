import { memorySink } from "@agent-keys/core";
import { facts, openLineFile, rawSign, specimen } from "./floors.ts";
import { aiTools, type Around } from "./framework-tools.ts";
import { INPUT, openSubject, type Subject } from "./subject.ts";

/**
 * The least that a key for a tool call can cost: a signature and a line on a file before the call, a
 * line after it. The lines hold what a wrapped call puts on record.
 */
export async function callFloor(
  { privateKey }: Subject,
  path: string,
): Promise<Around & Disposable> {
  const sink = memorySink();
  const recorded = openSubject(sink);
  const bytes = specimen(recorded);
  const { wrapped, options } = aiTools(recorded.keys);
  await wrapped.execute(INPUT, options(0));
  const [minted = {}, closed = {}] = facts(sink.events.slice(-2));
  const file = openLineFile(path);
  return {
    before() {
      rawSign(bytes, privateKey);
      file.write(minted);
    },
    after: () => file.write(closed),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
