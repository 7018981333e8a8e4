import type { AgentKey } from "./agent-key.ts";
import { type AgentKeys, createAgentKeys, type MintContext } from "./agent-keys.ts";
import type { AuditEvent } from "./audit/event.ts";
import { fileSink } from "./audit/file-sink.ts";
import type { LogFilter } from "./audit/sink.ts";
import type { GrantInput } from "./mint.ts";

const FILE = "agent-keys.audit.jsonl";

let shared: AgentKeys | undefined;

function sharedKeys(): AgentKeys {
  shared ??= createAgentKeys({ agent: "agent", policy: "allow-all", audit: fileSink(FILE) });
  return shared;
}

/**
 * Runs a function under a key of its own, without any set-up: signing key in this process, audit in
 * `./agent-keys.audit.jsonl`. For trying things: it is permissive, every scope is allowed. Use
 * `createAgentKeys` with a policy for anything else.
 *
 * @param grants - A scope, a grant, or a list of them.
 * @param fn - Gets the token, then the handle.
 * @param options - `expiresIn`: seconds, or `"30s"`; 10 by default.
 * @throws AgentKeyError when refused; the function never ran.
 *
 * @example
 * ```ts
 * import { getLogs, withAgentKey } from "@agent-keys/core";
 *
 * await withAgentKey("github:repos.read", async (token) => token.length, { expiresIn: 30 });
 * console.log(await getLogs());
 * ```
 */
export async function withAgentKey<T>(
  grants: GrantInput,
  fn: (token: string, key: AgentKey) => T,
  options?: MintContext,
): Promise<Awaited<T>> {
  return await sharedKeys().withAgentKey(grants, fn, options);
}

/** The newest events (1,000 by default) of {@link withAgentKey}'s record, oldest first. */
export async function getLogs(filter?: LogFilter): Promise<readonly AuditEvent[]> {
  return await sharedKeys().logs(filter);
}
