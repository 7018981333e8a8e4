import { type Refused, refused } from "./refused.ts";

/** Every character that a path may be written with (RFC 3986 §3.3), but for `;`. */
const PATH = /^\/[A-Za-z0-9\-._~%!$&'()*+,=:@/]*$/;
/** Still encoded after one decoding: a server that decodes twice would see a slash or a dot there. */
const ENCODED_TWICE = /%(?:2e|2f|5c|25|00)/i;

/**
 * The decoded segments of a path. What two servers might read differently is refused: dot segments
 * however written, empty segments (but for one slash at the end), backslashes, `;` parameters, control
 * characters, a second layer of encoding. An encoded slash stays inside its segment.
 */
export function readTarget(path: string): { readonly segments: readonly string[] } | Refused {
  const wrong = (detail: string): Refused => refused("request_invalid", "path", detail);
  if (!PATH.test(path)) return wrong("the path has a character that must be encoded");
  if (path === "/") return { segments: [] };
  const segments: string[] = [];
  // Clients write `/contents/` for a path that is empty. It is sent without the slash, as it was matched.
  const inner = path.endsWith("/") ? path.slice(1, -1) : path.slice(1);
  for (const raw of inner.split("/")) {
    const text = decode(raw);
    if (text === undefined) return wrong("the path is not encoded UTF-8");
    // What was not encoded has only the characters of a path.
    if (text !== raw) {
      if (ENCODED_TWICE.test(text)) return wrong("the path is encoded twice");
      if (/[\\;\p{Cc}]/u.test(text))
        return wrong("the path has a backslash, `;` or control character");
    }
    // An encoded slash is a separator to some: each of its parts has to be harmless too.
    if (text.includes("/") ? text.split("/").some(isDotted) : isDotted(text)) {
      return wrong("the path has an empty or a dot segment");
    }
    segments.push(text);
  }
  return { segments };
}

function isDotted(part: string): boolean {
  return part === "" || part === "." || part === "..";
}

/** The path that is sent: from the decoded segments, everything encoded that can be. */
export function writePath(segments: readonly string[]): string {
  return `/${segments.map(encode).join("/")}`;
}

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;

/** RFC 3986 unreserved characters stay; everything else is percent-encoded UTF-8. */
export function encode(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Percent-decoding; `undefined` when it is malformed or not UTF-8. */
export function decode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
