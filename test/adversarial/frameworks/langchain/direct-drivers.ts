/** Each tool by itself. */
import { type Calls, collect, type Driver, outcome, type Runnable, type Set } from "./drivers.ts";

type How = (
  tool: Runnable,
  call: Calls[number] & { readonly type: "tool_call" },
  config: object,
) => unknown;

function direct(name: string, how: How, more: Partial<Driver> = {}): Driver {
  const run = async ({ tools, turns, config }: Set): Promise<unknown> => {
    const results: unknown[] = [];
    for (const call of turns.flat()) {
      const tool = (tools as Runnable[]).find((one) => one.name === call.name);
      if (tool === undefined) continue;
      const made = { ...call, type: "tool_call" as const };
      results.push(await outcome(async () => await how(tool, made, config)));
    }
    return results;
  };
  return { name, run, ...more };
}

async function* once(value: unknown): AsyncGenerator {
  yield await Promise.resolve(value);
}

export const directDrivers: readonly Driver[] = [
  direct("tool.invoke", (tool, call, config) => tool.invoke(call, config)),
  direct("tool.invoke, input alone", (tool, { args }, config) => tool.invoke(args, config), {
    anonymous: true,
  }),
  // As `invoke` calls it.
  direct("tool.call", (tool, call, config) => tool.call(call.args, { ...config, toolCall: call })),
  direct(
    "tool.batch",
    (tool, call, config) => tool.batch([call, call], { ...config, maxConcurrency: 1 }),
    { times: 2 },
  ),
  direct(
    "tool.batch, returning exceptions",
    (tool, call, config) =>
      tool.batch([call, call], { ...config, maxConcurrency: 1 }, { returnExceptions: true }),
    { times: 2 },
  ),
  direct("tool.stream", async (tool, call, config) => collect(await tool.stream(call, config))),
  direct("tool.streamEvents", (tool, call, config) =>
    collect(tool.streamEvents(call, { ...config, version: "v2" })),
  ),
  direct("tool.withConfig, pipe", (tool, call, config) =>
    tool
      .withConfig({ tags: ["configured"], metadata: { more: true } })
      .pipe((output) => [output])
      .invoke(call, config),
  ),
];

/** Ways in that come down to those above; for a few scenarios. */
export const rareDrivers: readonly Driver[] = [
  direct("tool.streamLog", (tool, call, config) => collect(tool.streamLog(call, config))),
  direct("tool.transform", (tool, call, config) => collect(tool.transform(once(call), config))),
  direct("tool.pipe, streamed", async (tool, call, config) =>
    collect(await tool.pipe((output) => [output]).stream(call, config)),
  ),
  direct("tool.withListeners", async (tool, call, config) => {
    const told: unknown[] = [];
    const tell = (run: unknown): void => void told.push(run);
    const listened = tool.withListeners({ onStart: tell, onEnd: tell, onError: tell });
    return [await outcome(() => listened.invoke(call, config)), told];
  }),
  direct("tool.withFallbacks, batch", (tool, call, config) =>
    tool.withFallbacks([]).batch([call], config),
  ),
];

/** Tools that fail at first: each call is made again. */
export const retryDrivers: readonly Driver[] = [
  direct("tool.withRetry", (tool, call, config) =>
    tool.withRetry({ stopAfterAttempt: 2 }).invoke(call, config),
  ),
  direct("tool.withFallbacks", (tool, call, config) =>
    tool.withFallbacks([tool]).invoke(call, config),
  ),
];

/** All calls of a tool at once, so many of them at a time. */
export const batchDrivers: readonly Driver[] = [1, 2, undefined].flatMap((maxConcurrency) =>
  [false, true].map((returnExceptions) => ({
    name: `tool.batch, ${maxConcurrency ?? "all"} at a time${returnExceptions ? ", returning exceptions" : ""}`,
    run: async ({ tools, turns, config }: Set) => {
      const [tool] = tools as readonly Runnable[];
      const calls = turns.flat().map((call) => ({ ...call, type: "tool_call" }));
      const options = { ...config, ...(maxConcurrency && { maxConcurrency }) };
      // Each has a config of its own, or all have one.
      const configs = returnExceptions
        ? options
        : calls.map(({ id }) => ({ ...options, tags: [id] }));
      const batchOptions = { maxConcurrency, returnExceptions };
      return await outcome(() => tool?.batch(calls, configs, batchOptions));
    },
  })),
);
