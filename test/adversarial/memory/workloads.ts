import { setTimeout as timeout } from "node:timers/promises";
import { wrapTools as wrapAiSdk } from "@agent-keys/ai-sdk";
import {
  type AgentKeys,
  createAgentKeys,
  fileSink,
  memoryStore,
  type SinkInput,
  verifyKey,
} from "@agent-keys/core";
import { wrapTools as wrapLangchain } from "@agent-keys/langchain";
import { tool as langchainTool } from "@langchain/core/tools";
import { tool as aiTool } from "ai";
import * as z from "zod";

/** Does one thing, of which nothing may stay for longer than a key lives. */
export type Workload = (step: number) => unknown;

const START_MS = Date.UTC(2026, 0, 1);
const REQUEST = { scope: "tickets:reply", values: { owner: "acme" } };
const reply = { scope: "tickets:reply", where: { owner: "acme" }, uses: 2 };

/** Keys on a clock that a step moves by ten seconds: what a key leaves behind is gone 32 steps later. */
function open(audit: SinkInput = () => undefined): { keys: AgentKeys; tick: () => number } {
  let nowMs = START_MS;
  const now = (): number => nowMs;
  const policy = {
    "desk-*": { allow: [{ scope: "tickets:*", where: { owner: "acme" } }], deny: ["tickets:drop"] },
  };
  const store = memoryStore({ now });
  const keys = createAgentKeys({ agent: "desk-bot", policy, audit, store, now });
  return { keys, tick: () => (nowMs += 10_000) };
}

async function refused(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    return;
  }
  throw new Error("was not refused");
}

const schema = z.looseObject({});

/** Every workload by name. A file sink writes to `path`. */
export const workloads = (path: string): Readonly<Record<string, () => Workload>> => ({
  /** What the suite must find: one small object a step. */
  "a leak of one small object": () => {
    const kept: object[] = [];
    return (step) => kept.push({ step });
  },
  "mint, verify, use and close": () => {
    const { keys, tick } = open();
    return async () => {
      tick();
      using key = keys.mint(reply);
      await keys.verify(key.token, { request: REQUEST, consume: true });
    };
  },
  "withAgentKey in a context of its own": () => {
    const { keys, tick } = open();
    return async (step) => {
      tick();
      const work = (): Promise<number> => keys.withAgentKey(reply, (token) => token.length);
      await keys.run({ user: `user-${step}`, txn: `txn-${step}` }, work);
    };
  },
  "keys that nobody closes": () => {
    const { keys, tick } = open();
    return async (step) => {
      keys.mint(reply, { expiresIn: 0.001 });
      tick();
      if (step % 100 === 0) await timeout(5);
    };
  },
  "refused mints and tokens": () => {
    const { keys, tick } = open();
    return async (step) => {
      tick();
      await refused(() => keys.mint("tickets:drop"));
      await refused(() => keys.for({ agent: `nobody-${step}` }).mint(reply));
      await refused(() => keys.verify(`not a token ${step}`));
    };
  },
  revocations: () => {
    const { keys, tick } = open();
    return async (step) => {
      tick();
      const key = keys.mint(reply);
      await keys.revoke({ id: key.id });
      await refused(() => keys.verify(key.token));
      key.close();
      for (const selector of [{ user: `u-${step}` }, { scope: `tickets:s${step}` }]) {
        await keys.revoke(selector);
        if (!(await keys.restore(selector))) throw new Error("nothing to restore");
      }
    };
  },
  "delegated keys": () => {
    const { keys, tick } = open();
    return async (step) => {
      tick();
      using parent = keys.mint(reply);
      using child = keys.for({ agent: `desk-${step}`, parent }).mint(reply);
      await keys.verify(child.token, { request: REQUEST, consume: true });
    };
  },
  "an API that verifies keys": () => {
    const { keys, tick } = open();
    let nowMs = START_MS;
    const now = (): number => nowMs;
    const store = memoryStore({ now });
    return async () => {
      nowMs = tick();
      using key = keys.mint(reply);
      const { iss: issuer } = await keys.verify(key.token);
      const admission = { request: REQUEST, consume: true, store, now };
      const one = { jwks: keys.jwks(), issuer, audience: issuer };
      await verifyKey(key.token, { ...one, ...admission });
    };
  },
  "signing keys that are rotated and retired": () => {
    const { keys, tick } = open();
    return async () => {
      tick();
      const [old] = keys.jwks().keys;
      keys.rotate();
      keys.retire(old?.kid ?? "");
      using key = keys.mint(reply);
      await keys.verify(key.token);
    };
  },
  "a file": () => onFile(fileSink(path)),
  "a file that rotates": () => onFile(fileSink(path, { maxBytes: 200_000, keep: 2 })),
  "calls of an AI SDK tool": () => {
    const { keys, tick } = open();
    const tools = { act: aiTool({ inputSchema: schema, execute: () => "ran" }) };
    const { act } = wrapAiSdk(tools, { keys, scopes: { act: reply } });
    return async (step) => {
      tick();
      const call = { toolCallId: `call-${step}`, messages: [], context: {} };
      if ((await act.execute?.({ owner: "acme" }, call)) !== "ran") throw new Error("did not run");
      await refused(() => act.execute?.({ owner: "evil" }, call));
    };
  },
  "calls of a LangChain tool": () => {
    const { keys, tick } = open();
    const tools = [langchainTool(() => "ran", { name: "act", schema })];
    const [act] = wrapLangchain(tools, { keys, scopes: { act: reply } });
    return async () => {
      tick();
      if ((await act?.invoke({ owner: "acme" })) !== "ran") throw new Error("did not run");
      await refused(() => act?.invoke({ owner: "evil" }));
    };
  },
});

function onFile(sink: SinkInput): Workload {
  const { keys, tick } = open(sink);
  return async () => {
    tick();
    await keys.withAgentKey(reply, () => undefined);
  };
}
