import { outsideCalls } from "../context.ts";
import { AgentKeyError } from "../errors.ts";
import { proxyInTheWay } from "./proxy.ts";

/**
 * The global `fetch`, for what this library asks on its own account. Under no key, so that an ambient
 * fetch, of whichever copy of this module, lets it pass.
 */
export function ownFetch(input: URL, init: RequestInit): Promise<Response> {
  return outsideCalls(() => globalThis.fetch(input, init));
}

/**
 * The same, for a broker: with a key, or a notice, that nobody else may read.
 *
 * @throws AgentKeyError (as a rejection) `broker_unavailable`, and nothing was sent, when a proxy would.
 */
export async function brokerFetch(url: URL, init: RequestInit): Promise<Response> {
  // Each time: a program may set one at any moment.
  const detail = proxyInTheWay(url);
  if (detail !== undefined) throw new AgentKeyError("broker_unavailable", { detail });
  return await ownFetch(url, init);
}

/**
 * What a developer may be told of a failed `fetch`: the system's code. Messages of the platform may
 * quote what was sent.
 */
export function failureCode(error: unknown): string {
  if (error instanceof AgentKeyError && error.cause instanceof Error) return error.cause.message;
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { readonly code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code;
    if (at.name === "TimeoutError") return "no answer in time";
  }
  return "the request failed";
}
