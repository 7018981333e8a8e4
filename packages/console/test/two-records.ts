import { join } from "node:path";
import { type AgentKey, createAgentKeys, fileSink } from "@agent-keys/core";
import { openAuditLog, type RequestRecord } from "@agent-keys/core/enforce";
import { temporaryDirectory } from "./command.ts";

/** An agent's process and a broker, each with a record and a clock of its own. */
export function twoRecords({
  brokerIsLateMs = 0,
}: { readonly brokerIsLateMs?: number } = {}): Disposable & {
  readonly path: string;
  readonly agentFile: string;
  readonly brokerFile: string;
  readonly keys: ReturnType<typeof createAgentKeys>;
  /** A request that is sent and answered. */
  send(key: Pick<AgentKey, "id" | "agent">, iss?: string): void;
  /** A request that is refused. */
  refuse(key: Pick<AgentKey, "id" | "agent">): void;
  /** A request whose key is none. */
  refuseStranger(): void;
} {
  const directory = temporaryDirectory();
  const agentFile = join(directory.path, "agent-keys.audit.jsonl");
  const brokerFile = join(directory.path, "agent-keys.broker.audit.jsonl");
  let nowMs = 1_790_000_000_000;
  // Each event has a millisecond of its own, so that only a clock can change the order.
  const now = (): number => (nowMs += 1);
  const keys = createAgentKeys({
    agent: "bot",
    issuer: "urn:bot",
    policy: "allow-all",
    audit: fileSink(agentFile),
    now,
  });
  const broker = openAuditLog([fileSink(brokerFile)], () => now() + brokerIsLateMs);
  const recordOf = ({ id, agent }: Pick<AgentKey, "id" | "agent">, iss: string): RequestRecord => ({
    iss,
    agent,
    scopes: ["github:issues.read"],
    grants: [{ scope: "github:issues.read" }],
    keyId: id,
    service: "github",
    method: "GET",
    route: "/repos/:owner/:repo/issues/:number/comments",
  });
  return {
    path: directory.path,
    agentFile,
    brokerFile,
    keys,
    send(key, iss = "urn:bot") {
      const record = recordOf(key, iss);
      broker.intent({ type: "request.allowed", ...record });
      const end = { status: 200, bytes: 12, durationMs: 5 };
      broker.outcome({ type: "request.completed", ...record, ...end });
    },
    refuse(key) {
      const why = { code: "constraint_failed", check: "policy" } as const;
      broker.refusal({ type: "request.refused", ...recordOf(key, "urn:bot"), ...why });
    },
    refuseStranger() {
      broker.refusal({ type: "request.refused", code: "token_invalid", check: "key", count: 3 });
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
