import { memorySink } from "@agent-keys/core";
import { facts, openLineFile, rawSign, specimen } from "./floors.ts";
import { aiTool } from "./framework-tools.ts";
import { costOf, threadClock } from "./rounds.ts";
import { INPUT, openSubject, type Subject } from "./subject.ts";

/** The least that a key for a tool call can cost: one signature and two lines on a file. */
export interface CallFloor extends Disposable {
  /** Microseconds of the main thread per call. */
  sample(calls: number): number;
}

/** A floor that writes the very events that a wrapped call puts on record. */
export async function callFloor({ privateKey }: Subject, path: string): Promise<CallFloor> {
  const sink = memorySink();
  const recorded = openSubject(sink);
  const bytes = specimen(recorded);
  const { wrapped, options } = aiTool(recorded.keys);
  await wrapped.execute(INPUT, options(0));
  const [minted = {}, closed = {}] = facts(sink.events.slice(-2));
  const file = openLineFile(path);
  return {
    sample: (calls) =>
      costOf(threadClock, calls, () => {
        rawSign(bytes, privateKey);
        file.write(minted);
        file.write(closed);
      }),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
