import { outsideCalls } from "../context.ts";

/**
 * The global `fetch`, for what this library asks on its own account. Under no key, so that an ambient
 * fetch, of whichever copy of this module, lets it pass.
 */
export function ownFetch(input: URL, init: RequestInit): Promise<Response> {
  return outsideCalls(() => globalThis.fetch(input, init));
}

/**
 * What a developer may be told of a failed `fetch`: the system's code. Messages of the platform may
 * quote what was sent.
 */
export function failureCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { readonly code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code;
    if (at.name === "TimeoutError") return "no answer in time";
  }
  return "the request failed";
}
