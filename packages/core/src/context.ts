import { AsyncLocalStorage } from "node:async_hooks";
import type { AgentKey } from "./agent-key.ts";
import { AgentKeyError } from "./errors.ts";

/** What is known of the request that a call belongs to. */
export interface RunContext {
  /** Whom the agent acts for. Take it from your session, never from the model. */
  readonly user?: string | undefined;
  /** The run: every key of it can be revoked at once. */
  readonly txn?: string | undefined;
}

interface Ambient {
  /** The key of the innermost wrapped call; `undefined` in a tool that runs without one. */
  readonly key: AgentKey | undefined;
  /** The innermost key there is, for the record of nested calls. */
  readonly lineage: AgentKey | undefined;
  readonly run: RunContext;
}

// On the global object, because bundlers duplicate modules and all copies must see one key.
const SLOT = Symbol.for("agent-keys.ambient.v1");
const holder = globalThis as { [SLOT]?: AsyncLocalStorage<Ambient> };
const storage = (holder[SLOT] ??= new AsyncLocalStorage<Ambient>());

const EMPTY: Ambient = { key: undefined, lineage: undefined, run: {} };

/** The key this code runs under, or `undefined` outside a wrapped call. */
export function currentKey(): AgentKey | undefined {
  return storage.getStore()?.key;
}

/**
 * The key this code runs under.
 *
 * @throws AgentKeyError `no_key` outside a wrapped call.
 */
export function requireKey(): AgentKey {
  const key = currentKey();
  if (key === undefined) throw new AgentKeyError("no_key");
  return key;
}

/** The ambient facts that a mint takes over when nothing nearer says otherwise. */
export function ambient(): Ambient {
  return storage.getStore() ?? EMPTY;
}

/**
 * What runs functions under a key, or under none, across everything they await. The run's context is
 * that of now, also for a step that is taken later, from elsewhere.
 */
export function underKey(key: AgentKey | undefined): <T>(body: () => T) => T {
  const { lineage, run } = ambient();
  const inside: Ambient = { key, lineage: key ?? lineage, run };
  return (body) => storage.run(inside, body);
}

/** Runs `body` as if no call and no run were around it: for what outlives both. */
export function outsideCalls<T>(body: () => T): T {
  return storage.run(EMPTY, body);
}

/** Runs `body` in a run's context, across everything it awaits. */
export function inRun<T>(run: RunContext, body: () => T): T {
  const outer = ambient();
  return storage.run({ ...outer, run: { ...outer.run, ...defined(run) } }, body);
}

/** Without the members that say nothing, so that they do not hide an outer one. */
export function defined(run: RunContext): RunContext {
  const { user, txn } = run;
  return { ...(user === undefined ? {} : { user }), ...(txn === undefined ? {} : { txn }) };
}
