import { requireKey } from "../context.ts";

/**
 * A `fetch` under the running key, for any client that takes one. What is for a service of the broker
 * goes there with the key for its credential; every credential of the caller is dropped. Other hosts
 * follow `egress`. Responses come as the broker gives them, its refusals among them: a status, a JSON
 * body, and the code in the header `agent-keys-code`.
 *
 * Rejects with AgentKeyError `no_key` outside a wrapped call, `no_broker`, `key_expired`, `key_closed`,
 * `egress_denied`, `broker_unavailable` or `audit_unavailable`, and nothing was sent then, but for
 * `broker_unavailable`, where that cannot be known. Else as `fetch` does.
 *
 * @example
 * ```ts
 * import { keyFetch } from "@agent-keys/core";
 *
 * const response = await keyFetch("https://api.github.com/repos/acme/site");
 * ```
 */
export async function keyFetch(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  return await requireKey().fetch(input, init);
}
