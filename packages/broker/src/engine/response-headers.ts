import type { IncomingHttpHeaders } from "undici/types/header.js";
import type { Needles } from "./needles.ts";
import { type Places, rewriteLink, rewriteLocation, withSlashes } from "./rewrite-links.ts";
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

/** What is said of a body as it was encoded, and is not true of it decoded. */
const OF_THE_ENCODED: ReadonlySet<string> = new Set([
  "accept-ranges",
  "content-digest",
  "content-length",
  "content-md5",
  "digest",
  "repr-digest",
]);

/** How a body is changed on its way, which its headers have to follow. */
export interface HeaderChanges {
  readonly needles: Needles;
  /** The body comes decoded: its length is not known any more. */
  readonly decoded: boolean;
  /** A 204, which has no length either (RFC 9110 §8.6). */
  readonly isEmpty: boolean;
  readonly places: Places;
}

/** An upstream's headers as they are passed on: names and values, one after the other. */
export function responseHeaders(
  headers: IncomingHttpHeaders,
  { needles, decoded, isEmpty, places }: HeaderChanges,
): string[] {
  const named = connectionNames(headers["connection"]);
  const list: string[] = [];
  for (const name in headers) {
    if (!Object.hasOwn(headers, name)) continue;
    if (DROPPED.has(name) || named?.has(name) === true) continue;
    if (name === "content-encoding") continue;
    if (decoded && OF_THE_ENCODED.has(name)) continue;
    if (isEmpty && name === "content-length") continue;
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === "string") list.push(name, value);
    else for (const one of value) list.push(name, one);
  }
  // On both sides of the rewriting: a URL that is resolved may show what it hid, or hide what it showed.
  const changed = rewritten(scrubbed(list, needles), places);
  return changed === list ? list : scrubbed(changed, needles);
}

function scrubbed(list: string[], needles: Needles): string[] {
  // All at once: nearly always there is nothing to be found in any of them.
  if (!holdsSecret(list, needles)) return list;
  return list.map((text) => scrubText(text, needles));
}

/** Whose value is a URL, or holds some. */
const OF_URLS: ReadonlySet<string> = new Set(["content-location", "link", "location", "refresh"]);

function rewritten(list: string[], places: Places): string[] {
  if (!list.some((text, at) => at % 2 === 0 && OF_URLS.has(text))) return list;
  return list.map((text, at) =>
    at % 2 === 0 ? text : rewriteOne(list[at - 1] ?? "", text, places),
  );
}

function rewriteOne(name: string, given: string, places: Places): string {
  if (!OF_URLS.has(name)) return given;
  // Clients read a URL without these: what stands on both sides of one is whole to them.
  const value = given.replace(/[\t\n\r]/g, "");
  if (name === "location") return rewriteLocation(value, places);
  return name === "link" ? rewriteLink(value, places) : withSlashes(value);
}

function connectionNames(
  value: string | readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  if (value === undefined || value === "keep-alive" || value === "close") return undefined;
  const names = String(value).split(",");
  return new Set(names.map((name) => name.trim().toLowerCase()));
}
