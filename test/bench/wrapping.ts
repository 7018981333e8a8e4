import { join } from "node:path";
import { fileSink } from "@agent-keys/core";
import { callFloor } from "./call-floor.ts";
import { aiTool, generateTextWith, langchainTool } from "./framework-tools.ts";
import { atMost, type Benchmark, compare } from "./result.ts";
import { costOfAwaited, interleave, perRound, threadClock } from "./rounds.ts";
import { INPUT, openSubject } from "./subject.ts";

const CALLS = 100;
const LOOPS = 20;

/** (b) What wrapping adds to a tool call in each framework. */
export const wrapping: Benchmark = {
  id: "b",
  title: "What wrapping adds to a tool call, with a file audit",
  means: [
    "ours: a wrapped tool's call less the same tool's without, by turns",
    "floor: one Ed25519 sign, and two chained lines of the same content: JSON.stringify, " +
      "SHA-256 and writeSync each",
    "both: processor time of the main thread, where all of it is done",
  ],
  async run(bench) {
    const subject = openSubject(fileSink(join(bench.directory, "wrapping.jsonl")));
    using floor = await callFloor(subject, join(bench.directory, "wrapping-floor.jsonl"));
    const ai = aiTool(subject.keys);
    const langchain = langchainTool(subject.keys);
    const samples = await interleave(
      {
        floor: () => floor.sample(CALLS),
        aiBare: () =>
          costOfAwaited(threadClock, CALLS, (n) => ai.bare.execute(INPUT, ai.options(n))),
        aiWrapped: () =>
          costOfAwaited(threadClock, CALLS, (n) => ai.wrapped.execute(INPUT, ai.options(n))),
        langchainBare: () =>
          costOfAwaited(threadClock, CALLS, (n) => langchain.bare.invoke(langchain.call(n))),
        langchainWrapped: () =>
          costOfAwaited(threadClock, CALLS, (n) => langchain.wrapped.invoke(langchain.call(n))),
        generateBare: () => costOfAwaited(threadClock, LOOPS, () => generateTextWith(ai.bare)),
        generateWrapped: () =>
          costOfAwaited(threadClock, LOOPS, () => generateTextWith(ai.wrapped)),
      },
      bench,
    );
    const added = (wrapped: readonly number[], bare: readonly number[]): readonly number[] =>
      perRound(wrapped, bare, (a, b) => a - b);
    const target = atMost(1.4);
    return [
      compare(
        "AI SDK 7, execute",
        { target },
        added(samples.aiWrapped, samples.aiBare),
        samples.floor,
      ),
      compare(
        "LangChain, invoke",
        { target },
        added(samples.langchainWrapped, samples.langchainBare),
        samples.floor,
      ),
      compare(
        "AI SDK 7, in generateText",
        {},
        added(samples.generateWrapped, samples.generateBare),
        samples.floor,
      ),
    ];
  },
};
