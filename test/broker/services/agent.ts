import { wrapTools as wrapAiSdk } from "@agent-keys/ai-sdk";
import { createBroker } from "@agent-keys/broker";
import {
  type AgentKey,
  type AuditEvent,
  createAgentKeys,
  type GrantInput,
  keyFetch,
  memorySink,
  type Policy,
  requireKey,
} from "@agent-keys/core";
import { generateKeyPairSync } from "node:crypto";
import { wrapTools as wrapLangChain } from "@agent-keys/langchain";
import { tool as langChainTool } from "@langchain/core/tools";
import { tool as aiTool } from "ai";
import * as z from "zod";

type BrokerOptions = Parameters<typeof createBroker>[0];

/** An agent whose tools reach vendors through a broker that it shares nothing with but public keys. */
export interface Agent extends AsyncDisposable {
  /** Runs `body` inside a wrapped tool of the framework, under a key for `grants`. */
  inTool<T>(
    framework: Framework,
    grants: GrantInput,
    body: (key: AgentKey) => Promise<T>,
  ): Promise<T>;
  /** The broker's record. */
  readonly events: readonly AuditEvent[];
}

const FRAMEWORKS = ["ai-sdk", "langchain"] as const;
type Framework = (typeof FRAMEWORKS)[number];

/** How a client is given its key: `fetch: keyFetch`, or the broker's URL and the token. */
const WAYS = ["keyFetch", "baseUrl"] as const;
export type Way = (typeof WAYS)[number];

/** Every framework with every way. */
export const USES: readonly (readonly [Framework, Way])[] = FRAMEWORKS.flatMap((framework) =>
  WAYS.map((way) => [framework, way] as const),
);

/** What an agent is made of. */
export interface AgentOptions {
  readonly services: BrokerOptions["services"];
  /** By service. */
  readonly credentials: Readonly<Record<string, string>>;
  /** The broker's, and the agent's own unless it has another. */
  readonly policy: Policy | "allow-all";
  readonly ownPolicy?: Policy | "allow-all";
  readonly allowHosts?: readonly string[];
  readonly ambientFetch?: boolean;
}

const ISSUER = "https://agents.example";

export async function openAgent(options: AgentOptions): Promise<Agent> {
  const { services, credentials, policy, ownPolicy = policy, allowHosts, ambientFetch } = options;
  const { privateKey: signingKey } = generateKeyPairSync("ed25519");
  const sink = memorySink();
  const identity = { agent: "bot", signingKey, issuer: ISSUER, audit: memorySink() };
  const broker = createBroker({
    issuers: {
      [ISSUER]: {
        jwks: createAgentKeys({ ...identity, policy: "allow-all" }).jwks(),
        agents: ["bot"],
        policy,
      },
    },
    services,
    secrets: Object.fromEntries(
      Object.entries(credentials).map(([name, value]) => [
        name,
        { name: "test", read: async () => ({ value }) },
      ]),
    ),
    port: 0,
    audit: sink,
  });
  const { url } = await broker.listen();
  const keys = createAgentKeys({
    ...identity,
    policy: ownPolicy,
    broker: url,
    allowHosts,
    ambientFetch,
  });
  return {
    events: sink.events,
    async inTool(framework, grants, body) {
      let result: { readonly value: Awaited<ReturnType<typeof body>> } | undefined;
      const act = async (): Promise<string> => {
        result = { value: await body(requireKey()) };
        return "done";
      };
      const schema = z.object({});
      if (framework === "ai-sdk") {
        const tools = { act: aiTool({ inputSchema: schema, execute: act }) };
        const wrapped = wrapAiSdk(tools, { keys, scopes: { act: grants } });
        await wrapped.act.execute?.({}, { toolCallId: "call-1", messages: [], context: {} });
      } else {
        const tools = [langChainTool(act, { name: "act", description: "acts", schema })];
        const [wrapped] = wrapLangChain(tools, { keys, scopes: { act: grants } });
        await wrapped?.invoke({});
      }
      if (result === undefined) throw new Error("the tool's body did not run");
      return result.value;
    },
    async [Symbol.asyncDispose]() {
      await broker.close();
      await keys[Symbol.asyncDispose]();
    },
  };
}

/** What a client needs: `fetch` under the running key with the vendor's own URL, or the broker's with the token. */
export function access(
  way: Way,
  key: AgentKey,
  service: string,
  vendorUrl: string,
): { readonly url: string; readonly token: string; readonly fetch: typeof fetch | undefined } {
  return way === "keyFetch"
    ? { url: vendorUrl, token: "agent-keys", fetch: keyFetch }
    : { url: key.baseUrl(service), token: key.token, fetch: undefined };
}
