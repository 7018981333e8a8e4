import type { Service } from "../service/service.ts";
import { type Refused, refused } from "./refused.ts";

/** What a request may say beside its parameters. Everything else, and so every other credential, stays here. */
const SENT_ON: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-unmodified-since",
  "traceparent",
  "user-agent",
]);

/** Of these two in one request, nobody knows which counts. */
const ONCE: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "content-disposition",
  "idempotency-key",
]);

/** The headers that are sent on: only known ones, each name once. */
export function forwardHeaders(
  headers: readonly (readonly [name: string, value: string])[],
  service: Pick<Service, "forwardHeaders" | "credential">,
  declared: ReadonlySet<string>,
): { readonly headers: Readonly<Record<string, string>> } | Refused {
  const sent: Record<string, string> = {};
  for (const [name, value] of headers) {
    const own = service.forwardHeaders.has(name) || declared.has(name);
    if (!own && !SENT_ON.has(name)) continue;
    const before = Object.hasOwn(sent, name) ? sent[name] : undefined;
    if (before !== undefined && (own || ONCE.has(name))) {
      return refused("request_invalid", "header", `${name} occurs twice`);
    }
    sent[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return { headers: sent };
}
