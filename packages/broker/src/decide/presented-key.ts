import type { Credential } from "../service/credential.ts";
import { readPairs, writePairs } from "./pairs.ts";
import { type Refused, refused } from "./refused.ts";

type Headers = readonly (readonly [name: string, value: string])[];

/** A request without the key it came with. */
export interface PresentedKey {
  readonly key: string;
  readonly headers: Headers;
  readonly query: string;
}

/**
 * Takes the key out of a request: from where the service's own clients put a credential, or from
 * `Authorization`. One key in one place; two are refused, for who could say which was meant.
 */
export function takeKey(
  headers: Headers,
  query: string,
  credential: Credential,
): PresentedKey | Refused {
  const wrong = (detail: string): Refused => refused("token_invalid", "key", detail);
  const own = credential.kind === "header" ? credential.name : "authorization";
  const found: string[] = [];
  const others: (readonly [name: string, value: string])[] = [];
  for (const header of headers) {
    const [name, value] = header;
    if (name === "authorization") found.push(fromAuthorization(value));
    else if (name === own) found.push(value);
    else others.push(header);
  }
  let rest = query;
  if (credential.kind === "query") {
    const pairs = readPairs(query);
    if (pairs === undefined) return refused("request_invalid", "query", "the query is malformed");
    found.push(
      ...pairs.flatMap(([parameter, value]) => (parameter === credential.name ? [value] : [])),
    );
    rest = writePairs(pairs.filter(([parameter]) => parameter !== credential.name));
  }
  const [key] = found;
  if (key === undefined || key === "") return wrong("no key was presented");
  if (found.length > 1) return wrong("more than one credential was presented");
  return { key, headers: others, query: rest };
}

/** `Bearer`, `token`, or `Basic` with the key as password or, alone, as user name (RFC 7617, RFC 6750). */
function fromAuthorization(value: string): string {
  const [, scheme = "", text = ""] = /^([A-Za-z]+) +(\S+)$/.exec(value) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
    case "token":
      return text;
    case "basic": {
      const decoded = Buffer.from(text, "base64").toString("utf8");
      const at = decoded.indexOf(":");
      // All of it, where there is no colon.
      const password = decoded.slice(at + 1);
      return password === "" ? decoded.slice(0, at) : password;
    }
    default:
      return "";
  }
}
