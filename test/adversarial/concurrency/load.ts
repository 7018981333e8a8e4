import { setTimeout as timeout } from "node:timers/promises";
import { type AgentKeys, createAgentKeys, type GrantInput } from "@agent-keys/core";
import { aiSdkCaller } from "./ai-sdk-caller.ts";
import { type Around, bodiesOf, type Input, PATIENCE_MS } from "./bodies.ts";
import { langchainCaller } from "./langchain-caller.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { everyCall, type Kind, kinds, type Run } from "./plan.ts";
import { openWitness, type Witness } from "./witness.ts";

/** Makes the calls of one run, in its framework. Settles when the framework has nothing to add. */
export type Caller = (run: Run, signal: AbortSignal | undefined) => Promise<void>;

/** What came of all the calls. */
export interface Done {
  readonly keys: AgentKeys;
  readonly ledger: Ledger;
  readonly witness: Witness;
  /** The calls whose body ran. */
  readonly entered: ReadonlySet<string>;
  /** The most bodies that ran at one time. */
  readonly busiest: number;
  /** What waited in vain, and what had not ended when everybody else had. */
  readonly stuck: readonly string[];
  /** Tokens of calls, some of which were verified while they ran. */
  readonly tokens: readonly string[];
}

/** What every tool's key may do: what this call is for. */
export function scopesFor(): Readonly<Record<Kind, false | ((input: Input) => GrantInput)>> {
  const own = ({ call, brief }: Input): GrantInput => ({
    scope: "load:run",
    where: { call },
    expiresIn: brief ? 1 : "10m",
  });
  const common = Object.fromEntries(kinds.map((kind) => [kind, own])) as Record<Kind, typeof own>;
  return { ...common, denied: () => "vault:open", keyless: false };
}

const generators: ReadonlySet<Kind | undefined> = new Set<Kind>([
  "streams",
  "streamThrows",
  "returnsEarly",
]);

/** Makes all runs at the same time, and returns when the last body and the last key have ended. */
export async function underLoad(runs: readonly Run[]): Promise<Done> {
  const ledger = openLedger();
  const keys = createAgentKeys({
    agent: "load-bot",
    policy: { "load-bot": { allow: [{ scope: "load:*" }] } },
    audit: ledger.sink,
  });
  const witness = openWitness();
  const entered = new Set<string>();
  const tokens: string[] = [];
  const stuck: string[] = [];
  const calls = everyCall(runs);
  const kindOf = new Map(calls.map(({ call }) => [call.id, call.kind]));
  const insides = new Map(calls.map(({ call }) => [call.id, call.inside]));
  const doomed = new Set(
    calls.flatMap(({ call, run, outerStop }) => (outerStop || run.stop !== "no" ? [call.id] : [])),
  );
  const onEntry = new Map<string, () => void>();
  const running = new Set<string>();
  let busiest = 0;
  const bodies = new Map<string, Promise<void>>();

  const around: Around = {
    witness,
    enter(callId) {
      if (entered.has(callId)) throw new Error(`${callId} ran twice`);
      entered.add(callId);
      running.add(callId);
      busiest = Math.max(busiest, running.size);
      const left = Promise.withResolvers<void>();
      // What a framework was told to stop, and a generator, it may leave where it is, for good.
      if (!generators.has(kindOf.get(callId)) && !doomed.has(callId)) {
        bodies.set(callId, left.promise);
      }
      onEntry.get(callId)?.();
      return () => {
        running.delete(callId);
        bodies.delete(callId);
        left.resolve();
      };
    },
    async nest(callId) {
      const inside = insides.get(callId);
      if (inside === undefined) return;
      try {
        await make(inside);
      } catch (error) {
        // LangChain hands the outer abort down to what runs inside.
        if (!doomed.has(callId)) throw error;
      }
    },
    async verify({ key }, callId) {
      const token = key?.token ?? "";
      tokens.push(token);
      if (key?.closed === true) return;
      const request = { scope: "load:run", values: { call: callId } };
      await keys.verify(token, { request });
    },
    stuck: (problem) => void stuck.push(problem),
  };
  const options = { keys, bodies: bodiesOf(around), scopes: scopesFor() };
  const [aiSdk, langchain] = [aiSdkCaller(options), langchainCaller(options)];

  async function make(run: Run): Promise<void> {
    const call = run.path.startsWith("ai.") ? aiSdk : langchain;
    if (run.stop !== "abort") return await call(run, undefined);
    const controller = new AbortController();
    const missing = new Set(run.calls.filter(({ kind }) => kind !== "denied").map(({ id }) => id));
    for (const id of missing) {
      onEntry.set(id, () => {
        missing.delete(id);
        // Not within the body that came last: the others have begun, and this one has not yet.
        if (missing.size === 0) setImmediate(() => controller.abort());
      });
    }
    try {
      await call(run, controller.signal);
    } finally {
      // An abort farther out may have ended it before all had begun.
      controller.abort();
    }
  }

  await Promise.all(runs.map(make));
  await inTime(Promise.all(bodies.values()));
  stuck.push(...[...bodies.keys()].map((callId) => `${callId} still runs`));
  await inTime(ledger.allClosed());
  return { keys, ledger, witness, entered, busiest, stuck, tokens };
}

/** Gives up in the end, so that what is missing can be named. Keeps the process alive, as no key does. */
async function inTime(work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const late = timeout(PATIENCE_MS, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([work, late]);
  done.abort();
}
