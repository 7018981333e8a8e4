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

/** A `Location` of the service's own base, as the broker serves it. Any other stays as it is. */
export function rewriteLocation(value: string, { asked, base, broker }: Places): string {
  const url = URL.parse(value, new URL(asked, base).href);
  if (url === null || url.origin !== base.origin) return value;
  // A user name would make the client believe that it is asked for one.
  if (url.username !== "" || url.password !== "") return value;
  const prefix = base.pathname.endsWith("/") ? base.pathname.slice(0, -1) : base.pathname;
  if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return value;
  return `${broker}${url.pathname.slice(prefix.length)}${url.search}${url.hash}`;
}

/** Another page of what was asked for. */
const PAGE = /;\s*rel\s*=\s*"?\s*(?:next|prev|previous|first|last)\b/i;

/** The same for every target of a `Link` (RFC 8288). */
export function rewriteLink(value: string, places: Places): string {
  return value.replaceAll(
    /<([^<>]*)>([^<]*)/g,
    (_, target: string, parameters: string) =>
      `<${rewriteLocation(PAGE.test(parameters) ? pageLink(target, places) : target, places)}>${parameters}`,
  );
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
