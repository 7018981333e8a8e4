import { wrapTools } from "@agent-keys/langchain";
import type { Journal, Run } from "../compare.ts";
import { startModel, type Turn } from "../model-server.ts";
import { listening } from "./callbacks.ts";
import type { Driver } from "./drivers.ts";
import type { LangChain } from "./versions.ts";

type Tools = readonly object[];
type Calls = Parameters<Driver["run"]>[0]["turns"][number];

/** One run, whatever runs the tools, in any version. */
export interface Scenario {
  /** Fresh tools, that write into the journal. What they run themselves, `wrapped` wraps as well. */
  readonly tools: (
    journal: Journal,
    lang: LangChain,
    wrapped: (tools: Tools) => Tools,
  ) => Tools | Promise<Tools>;
  readonly turns: readonly Turn[];
  /** Settings of agents, beside those that every run has; fresh ones. */
  readonly settings?: (journal: Journal, lang: LangChain) => object;
  /** Of each run's config; fresh. */
  readonly config?: (journal: Journal) => object;
  /** What an agent is resumed with, one after the other. */
  readonly resume?: readonly unknown[];
}

/** A run of the scenario by one driver in one version. */
export function runOf(lang: LangChain, driver: Driver, scenario: Scenario): Run {
  return async (journal, wrap) => {
    await using model = await startModel(scenario.turns);
    const { heard, handlers } = listening(lang);
    const wrapped = (bare: Tools): Tools =>
      wrap(bare, (keys, scope) => wrapTools(bare, { keys, defaultScope: () => scope }));
    const result = await driver.run({
      lang,
      tools: wrapped(await scenario.tools(journal, lang, wrapped)),
      url: model.url,
      turns: scenario.turns.map(({ calls = [] }) => calls as Calls),
      settings: scenario.settings?.(journal, lang) ?? {},
      config: { callbacks: handlers, ...scenario.config?.(journal) },
      resume: scenario.resume ?? [],
    });
    return { wire: model.bodies, seen: { result, heard } };
  };
}
