import { wrapTools } from "@agent-keys/langchain";
import { agentKeysMiddleware } from "@agent-keys/langchain/middleware";
import type { Journal, Run, Wrap } from "../compare.ts";
import { startModel, type Turn } from "../model-server.ts";
import { listening } from "./callbacks.ts";
import type { Calls, Driver } from "./drivers.ts";
import type { LangChain } from "./versions.ts";

export type Tools = readonly object[];

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
  /** What an agent is asked, beside the messages. */
  readonly state?: object;
  /** Of each run's config; fresh. */
  readonly config?: (journal: Journal, lang: LangChain) => object;
  /** What an agent is resumed with, one after the other. */
  readonly resume?: readonly unknown[];
}

/** How the tools of a run get their keys. */
export interface Wrapping {
  readonly tools: (bare: Tools, wrap: Wrap) => Tools;
  readonly settings: (bare: object, wrap: Wrap, lang: LangChain) => object;
}

export const byWrapTools: Wrapping = {
  tools: (bare, wrap) =>
    wrap(bare, (keys, scope) => wrapTools(bare, { keys, defaultScope: () => scope })),
  settings: (bare) => bare,
};

/** Compared with a middleware that does nothing: any `wrapToolCall` changes what becomes of errors. */
export const byMiddleware: Wrapping = {
  tools: (bare) => bare,
  settings: (bare, wrap, { langchain }) => {
    const nothing: object = langchain.createMiddleware({
      name: "agentKeysMiddleware",
      wrapToolCall: (request, handler) => handler(request),
    });
    const last = wrap(nothing, (keys, scope) =>
      agentKeysMiddleware({ keys, defaultScope: () => scope }),
    );
    const { middleware = [] } = bare as { readonly middleware?: readonly object[] };
    return { ...bare, middleware: [...middleware, last] };
  },
};

/** A run of the scenario by one driver in one version. */
export function runOf(
  lang: LangChain,
  driver: Driver,
  scenario: Scenario,
  wrapping: Wrapping = byWrapTools,
): Run {
  return async (journal, wrap) => {
    await using model = await startModel(scenario.turns);
    const { heard, handlers } = listening(lang);
    const wrapped = (bare: Tools): Tools => wrapping.tools(bare, wrap);
    const result = await driver.run({
      lang,
      tools: wrapped(await scenario.tools(journal, lang, wrapped)),
      url: model.url,
      turns: scenario.turns.map(({ calls = [] }) => calls as Calls),
      settings: wrapping.settings(scenario.settings?.(journal, lang) ?? {}, wrap, lang),
      state: scenario.state ?? {},
      config: { callbacks: handlers, ...scenario.config?.(journal, lang) },
      resume: scenario.resume ?? [],
    });
    return { wire: model.bodies, seen: { result, heard } };
  };
}
