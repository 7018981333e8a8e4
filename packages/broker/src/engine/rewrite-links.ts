import type { Service } from "../service/service.ts";

/** Where a service is, and where the broker stands for it. */
export interface Places {
  /** The path that the upstream was asked at, with the base's own: relative links are taken from it. */
  readonly asked: string;
  /** The service's own base. */
  readonly base: URL;
  /** Where the broker serves it: `http://127.0.0.1:4949/github`. */
  readonly broker: string;
  readonly pageLinks: Service["pageLinks"];
}

/**
 * A URL with what clients take for a `/` as one, up to the query (URL Standard, path state): of a secret
 * that has a `/` in it, they would make the whole again. No URI has a `\` as it is (RFC 3986 §2).
 */
export function withSlashes(url: string): string {
  const end = url.search(/[?#]/);
  const path = end === -1 ? url : url.slice(0, end);
  return path.replaceAll("\\", "/") + url.slice(path.length);
}

/** A `Location` of the service's own base, as the broker serves it. Any other stays as it is. */
export function rewriteLocation(given: string, { asked, base, broker }: Places): string {
  const value = withSlashes(given);
  const url = URL.parse(value, new URL(asked, base).href);
  if (url === null || url.origin !== base.origin) return value;
  // A user name would make the client believe that it is asked for one.
  if (url.username !== "" || url.password !== "") return value;
  const prefix = base.pathname.endsWith("/") ? base.pathname.slice(0, -1) : base.pathname;
  if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return value;
  return `${broker}${url.pathname.slice(prefix.length)}${url.search}${url.hash}`;
}

/** Another page of what was asked for: what stands after `rel`, up to where its name ends. */
const PAGE = /^"?\s*(?:next|prev|previous|first|last)(?!\w)/i;

function isPage(parameters: string): boolean {
  // Each name is looked at by itself: in one expression, much white space would be gone through again and again.
  return parameters.split(";").some((parameter, at) => {
    const equals = parameter.indexOf("=");
    if (at === 0 || parameter.slice(0, equals).trim().toLowerCase() !== "rel") return false;
    return PAGE.test(parameter.slice(equals + 1).trim());
  });
}

/** The same for every target of a `Link` (RFC 8288). */
export function rewriteLink(value: string, places: Places): string {
  // Piece by piece, since an expression would begin anew at each `<` that nothing closes.
  return value
    .split("<")
    .map((piece, at) => {
      const end = piece.indexOf(">");
      if (at === 0) return piece;
      if (end === -1) return `<${piece}`;
      const target = piece.slice(0, end);
      const parameters = piece.slice(end + 1);
      const here = isPage(parameters) ? pageLink(target, places) : target;
      return `<${rewriteLocation(here, places)}>${parameters}`;
    })
    .join("");
}

/** Where a page of what was asked for is, whatever other name the service has for it. */
function pageLink(target: string, { asked, base, pageLinks }: Places): string {
  if (pageLinks === "as-given") return target;
  const here = new URL(asked, base);
  const url = URL.parse(target, here.href);
  if (url === null || url.origin !== base.origin) return target;
  here.search = url.search;
  return here.href;
}
