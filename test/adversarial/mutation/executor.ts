import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { configureGlobal } from "fast-check";
import { type Outcome, runTests } from "./collect.ts";

/** Runs tests against one mutant after the other, in a process that may be killed at any of them. */
export interface Job {
  readonly source: string;
  readonly tests: readonly string[];
  /** What stands in the source file; the file's own text when it is to be as it is. */
  readonly text: string;
  /** How long each test took without a mutant. */
  readonly tookMs: Readonly<Record<string, number>>;
}

const COLLECT = new URL("collect.ts", import.meta.url).href;
const GENERATION = "?mutant=";
const stripped = new Map<string, string>();
let generation = 0;
let job: Job | undefined;

// Every job loads the project's own modules afresh, whatever its mutant changes: a schema is built
// when its module is loaded. Packages are loaded once.
registerHooks({
  resolve(specifier, context, next) {
    const { parentURL = "" } = context;
    const inJob = parentURL.includes(GENERATION);
    if (specifier === "vitest" && inJob) return next(COLLECT, context);
    const resolved = next(specifier, context);
    const own = inJob && specifier.startsWith(".") && resolved.url.startsWith("file:");
    return own
      ? { ...resolved, url: `${resolved.url.split("?")[0]}${GENERATION}${generation}` }
      : resolved;
  },
  load(url, context, next) {
    const [file = "", mutant] = url.split(GENERATION);
    if (mutant === undefined) return next(url, context);
    const path = fileURLToPath(file);
    const source = path === job?.source ? stripTypeScriptTypes(job.text) : strip(path);
    return { format: "module", source, shortCircuit: true };
  },
});

function strip(path: string): string {
  const source = stripped.get(path) ?? stripTypeScriptTypes(readFileSync(path, "utf8"));
  stripped.set(path, source);
  return source;
}

// The same cases for every mutant, every time, and no time spent on the smallest one that fails.
configureGlobal({ seed: 20_261_123, endOnFailure: true });

let fail: (error: unknown) => void = () => undefined;
process.on("uncaughtException", (error) => fail(error));

async function run(next: Job): Promise<Outcome> {
  job = next;
  generation += 1;
  const loud = new Promise<Outcome>((resolve) => {
    fail = (error) => resolve({ tookMs: {}, failed: `uncaught: ${String(error)}` });
  });
  const load = (file: string): Promise<unknown> =>
    import(`${pathToFileURL(file).href}${GENERATION}${generation}`);
  return await Promise.race([runTests(next.tests, load, next.tookMs), loud]);
}

process.on("message", (next: Job) => {
  void run(next).then((outcome) => process.send?.(outcome));
});
process.on("disconnect", () => process.exit());
