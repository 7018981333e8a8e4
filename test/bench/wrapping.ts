import { join } from "node:path";
import { fileSink } from "@agent-keys/core";
import { callFloor } from "./call-floor.ts";
import { aiTools, generateTextWith, langchainTools } from "./framework-tools.ts";
import { atMost, type Bench, type Benchmark, compare, type Row, type Target } from "./result.ts";
import { costOfAwaited, interleave, perRound, threadClock } from "./rounds.ts";
import { INPUT, openSubject } from "./subject.ts";

const CALLS = 1_500;
const LOOPS = 200;

/** (b) What wrapping adds to a tool call in each framework. */
export const wrapping: Benchmark = {
  id: "b",
  title: "What wrapping adds to a tool call, with a file audit",
  means: [
    "ours: a wrapped tool's call, less the same tool's without",
    "floor: the same of a tool whose own body also makes one bare Ed25519 sign and writes " +
      "two chained lines of the same content: JSON.stringify, SHA-256 and writeSync each",
    "both: processor time of the main thread, where all of it is done",
  ],
  async run(bench) {
    const subject = openSubject(fileSink(join(bench.directory, "wrapping.jsonl")));
    using floor = await callFloor(subject, join(bench.directory, "wrapping-floor.jsonl"));
    const ai = aiTools(subject.keys, floor);
    const langchain = langchainTools(subject.keys, floor);
    const target = atMost(1.4);
    return [
      await measure("AI SDK 7, execute", { ...bench, target }, (form) =>
        inTurn(CALLS, (n) => ai[form].execute(INPUT, ai.options(n))),
      ),
      await measure("LangChain, invoke", { ...bench, target }, (form) =>
        inTurn(CALLS, (n) => langchain[form].invoke(langchain.call(n))),
      ),
      await measure("AI SDK 7, in generateText", bench, (form) =>
        inTurn(LOOPS, () => generateTextWith(ai[form])),
      ),
    ];
  },
};

type Form = "bare" | "wrapped" | "least";

async function measure(
  what: string,
  { target, ...plan }: Bench & { readonly target?: Target },
  cost: (form: Form) => Promise<number>,
): Promise<Row> {
  const samples = await interleave(
    {
      bare: () => cost("bare"),
      wrapped: () => cost("wrapped"),
      least: () => cost("least"),
    },
    plan,
  );
  const added = (form: Form): readonly number[] =>
    perRound(samples[form], samples.bare, (total, bare) => total - bare);
  return compare(what, { target }, added("wrapped"), added("least"));
}

async function inTurn(calls: number, run: (call: number) => Promise<unknown>): Promise<number> {
  return await costOfAwaited(threadClock, calls, run);
}
