import type { IncomingMessage } from "node:http";
import type { Incoming } from "../engine/incoming.ts";
import { Refused } from "../engine/refusal.ts";

/** A request's head, once nothing about it is ambiguous. */
export type Head = Omit<Incoming, "body"> & { readonly hasBody: boolean };

/** Of two of these in one request, nobody knows which counts. */
const ONCE: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "proxy-authorization",
  "te",
  "transfer-encoding",
]);

/** Never answered: they change what the rest of the connection means. */
const NEVER: ReadonlySet<string> = new Set(["expect", "http2-settings", "upgrade"]);

/**
 * Reads a head from the headers as they came, and refuses what two readers could take for two things.
 * What the parser has refused before (a bad line, a header without a colon, a second length) never
 * comes here.
 */
export function readHead(request: IncomingMessage): Head | Refused {
  const { rawHeaders, method = "", url = "", httpVersion } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return wrong("not HTTP/1.1");
  const headers: [string, string][] = [];
  const seen = new Set<string>();
  let contentLength: string | undefined;
  let transferEncoding: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    const value = rawHeaders[at + 1] ?? "";
    if (NEVER.has(name)) return wrong(`${name} is not served`);
    if (ONCE.has(name)) {
      if (seen.has(name)) return wrong(`${name} occurs twice`);
      seen.add(name);
      if (name === "content-length") contentLength = value;
      else if (name === "transfer-encoding") transferEncoding = value;
      else if (name === "connection" && !isPlainConnection(value)) return wrong("connection names");
    }
    headers.push([name, value]);
  }
  if (!seen.has("host")) return wrong("host is missing");
  const framing = readFraming(method, httpVersion, contentLength, transferEncoding);
  if (framing instanceof Refused) return framing;
  const target = readTarget(url);
  return target === undefined
    ? wrong("not a path of this server")
    : { method, headers, ...target, ...framing };
}

const ITSELF: ReadonlySet<string> = new Set(["", "keep-alive", "close", "te"]);

/** Whether a connection names nothing but itself: a header it names would be gone behind a proxy. */
function isPlainConnection(value: string): boolean {
  // Split, and not one expression: that takes exponential time for a list of nothing but commas.
  return value.split(",").every((token) => ITSELF.has(token.trim().toLowerCase()));
}

function readFraming(
  method: string,
  httpVersion: string,
  contentLength: string | undefined,
  transferEncoding: string | undefined,
): Pick<Head, "hasBody" | "bodyBytes"> | Refused {
  if (transferEncoding !== undefined) {
    if (contentLength !== undefined) return wrong("two lengths");
    if (httpVersion === "1.0") return wrong("transfer-encoding in HTTP/1.0");
    if (transferEncoding.toLowerCase() !== "chunked") return wrong("transfer-encoding");
    if (isBodiless(method)) return wrong("a body on GET or HEAD");
    return { hasBody: true, bodyBytes: undefined };
  }
  if (contentLength === undefined) return { hasBody: false, bodyBytes: undefined };
  // Fifteen digits are counted exactly; more are no length of anything.
  if (!/^[0-9]{1,15}$/.test(contentLength)) return wrong("content-length");
  const bodyBytes = Number(contentLength);
  if (bodyBytes === 0) return { hasBody: false, bodyBytes: undefined };
  if (isBodiless(method)) return wrong("a body on GET or HEAD");
  return { hasBody: true, bodyBytes };
}

function isBodiless(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** `/<service>/<path>?<query>`: the origin form alone (RFC 9112 §3.2.1), in visible ASCII. */
function readTarget(url: string): Pick<Head, "service" | "path" | "query"> | undefined {
  if (!/^\/[!-~]*$/.test(url) || url.includes("#")) return undefined;
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const slash = path.indexOf("/", 1);
  return {
    service: slash === -1 ? path.slice(1) : path.slice(1, slash),
    path: slash === -1 ? "/" : path.slice(slash),
    query: mark === -1 ? "" : url.slice(mark + 1),
  };
}

function wrong(detail: string): Refused {
  return new Refused("request_invalid", "head", { detail });
}
