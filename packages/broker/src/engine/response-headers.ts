import type { IncomingHttpHeaders } from "undici/types/header.js";
import type { Needles } from "./needles.ts";
import { type Places, rewriteLink, rewriteLocation } from "./rewrite-links.ts";
import { holdsSecret, scrubText } from "./scrub.ts";

/**
 * Never passed on: what belongs to one connection (RFC 9110 §7.6.1); cookies, which are a credential of
 * the broker's own; and what would speak for the broker.
 */
const DROPPED: ReadonlySet<string> = new Set([
  "agent-keys-code",
  "alt-svc",
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "set-cookie",
  "set-cookie2",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** How a body is changed on its way, which its headers have to follow. */
export interface HeaderChanges {
  readonly needles: Needles;
  /** The body comes decoded: its length is not known any more. */
  readonly decoded: boolean;
  readonly places: Places;
}

/** An upstream's headers as they are passed on: names and values, one after the other. */
export function responseHeaders(
  headers: IncomingHttpHeaders,
  { needles, decoded, places }: HeaderChanges,
): string[] {
  const named = connectionNames(headers["connection"]);
  const list: string[] = [];
  for (const name in headers) {
    if (!Object.hasOwn(headers, name)) continue;
    if (DROPPED.has(name) || named?.has(name) === true) continue;
    if (name === "content-encoding") continue;
    if (decoded && (name === "content-length" || name === "content-md5")) continue;
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === "string") list.push(name, changed(name, value, places));
    else for (const one of value) list.push(name, changed(name, one, places));
  }
  // All at once: nearly always there is nothing to be found in any of them.
  if (!holdsSecret(list, needles)) return list;
  return list.map((text) => scrubText(text, needles));
}

function changed(name: string, value: string, places: Places): string {
  if (name === "location") return rewriteLocation(value, places);
  return name === "link" ? rewriteLink(value, places) : value;
}

function connectionNames(
  value: string | readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (value === undefined || value === "keep-alive" || value === "close") return undefined;
  const names = String(value).split(",");
  return new Set(names.map((name) => name.trim().toLowerCase()));
}
