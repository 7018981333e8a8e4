import { execFileSync } from "node:child_process";
import { type Benchmark, compare } from "./result.ts";
import { interleave } from "./rounds.ts";

/** (e) What importing an adapter costs beside what it is imported with. */
export const imports: Benchmark = {
  id: "e",
  title: "Importing, in a fresh process each",
  means: [
    "ours: importing the framework, core and the adapter",
    "floor: importing the framework and core",
  ],
  async run({ rounds }) {
    const ai = ["ai", "@agent-keys/core"];
    const langchain = ["@langchain/core/tools", "@agent-keys/core"];
    const samples = await interleave(
      {
        ai: () => importMs(ai),
        aiAdapter: () => importMs([...ai, "@agent-keys/ai-sdk"]),
        langchain: () => importMs(langchain),
        langchainAdapter: () => importMs([...langchain, "@agent-keys/langchain"]),
        zodAndJose: () => importMs(["zod", "jose"]),
        core: () => importMs(["@agent-keys/core"]),
      },
      { rounds, warmUp: 1 },
    );
    const unit = "ms";
    return [
      compare("@agent-keys/ai-sdk", { unit }, samples.aiAdapter, samples.ai),
      compare("@agent-keys/langchain", { unit }, samples.langchainAdapter, samples.langchain),
      compare("core, beside zod and jose", { unit }, samples.core, samples.zodAndJose),
    ];
  },
};

/** Milliseconds from before the first import to after the last, without the process's own start. */
function importMs(specifiers: readonly string[]): number {
  const lines = [
    "const start = performance.now();",
    ...specifiers.map((specifier) => `await import(${JSON.stringify(specifier)});`),
    "console.log(performance.now() - start);",
  ];
  const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
  const args = ["--input-type=module", "--eval", lines.join("\n")];
  return Number(execFileSync(process.execPath, args, options));
}
