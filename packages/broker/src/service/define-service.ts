import { isScope } from "@agent-keys/core/enforce";
import type { Credential } from "./credential.ts";
import { CONNECT } from "@agent-keys/core/enforce";
import { connect } from "../in-process/connect.ts";
import { fold } from "./fold-name.ts";
import type { RouteNames } from "./route-names.ts";
import { readRoute, type RouteDefinition } from "./route-pattern.ts";
import { routeShape } from "./route-table.ts";
import type { RefusalAnswer, RefusalToTell, Route, Service } from "./service.ts";

/** What {@link defineService} takes. */
export interface ServiceDefinition {
  /** The first part of its scopes: `github`. Lower-case letters, digits, `-` and `_`. */
  readonly name: string;
  /** `https://api.github.com`, with a path prefix if it has one. `http` only for `network: "private"`. */
  readonly baseUrl: string;
  /** Where the service expects its credential. */
  readonly credential: Credential;
  /** The routes that each scope allows. A route under several scopes is allowed by any of them. */
  readonly scopes: Readonly<Record<string, readonly RouteDefinition[]>>;
  /** Request headers that are sent on beside the usual ones, such as `x-github-api-version`. */
  readonly forwardHeaders?: readonly string[] | undefined;
  /**
   * Query and body members in which a client may put a credential of its own, such as Slack's `token`:
   * they are taken out, in whatever case or as a list. `access_token` in a query always is, unless a route
   * declares it.
   */
  readonly foreignCredentials?: readonly string[] | undefined;
  /** `"private"` for a host on loopback or in a private network. Default `"public"`: such hosts are refused. */
  readonly network?: "public" | "private" | undefined;
  /**
   * `"asked-path"` where the service's `Link` headers name the next page's resource in another way than it
   * was asked for, as GitHub does by number: the page is then taken from the path that was asked. Default
   * `"as-given"`.
   */
  readonly pageLinks?: "as-given" | "asked-path" | undefined;
  /**
   * Refuses a query with a name that the route does not declare, with `route_unknown`, for services that
   * tell operations apart by them, such as S3 by `?acl`. Default `false`: they are sent on.
   */
  readonly strictQuery?: boolean | undefined;
  /**
   * How the broker tells a refusal that no retry changes, where the service's own clients would take the
   * usual answer for a fault and try again. The header `agent-keys-code` is always there.
   */
  readonly refusal?: ((refusal: RefusalToTell) => RefusalAnswer) | undefined;
}

type ScopesOf<D extends ServiceDefinition> = `${D["name"]}:${Extract<keyof D["scopes"], string>}`;
type NamesOf<D extends ServiceDefinition> = RouteNames<D["scopes"][keyof D["scopes"]][number]>;

/**
 * Describes an upstream API to the broker: which requests there are, which scope each needs, which
 * parameters a constraint may name, and where the credential goes. What it does not describe is
 * refused.
 *
 * @throws TypeError naming the service, and the member or route that is wrong.
 *
 * @example
 * ```ts
 * import { bearer, defineService } from "@agent-keys/broker";
 *
 * export const tickets = defineService({
 *   name: "tickets",
 *   baseUrl: "https://tickets.example.com/api",
 *   credential: bearer(),
 *   scopes: {
 *     read: ["GET /tickets/:ticketId", "GET /tickets?state&page{int}"],
 *     reply: [{ route: "POST /tickets/:ticketId/replies", json: { text: "string" } }],
 *   },
 * });
 * ```
 */
export function defineService<const D extends ServiceDefinition>(
  definition: D,
): Service<ScopesOf<D>, NamesOf<D>> {
  const { name, credential, network = "public", pageLinks = "as-given", refusal } = definition;
  const { strictQuery = false } = definition;
  const wrong = (what: string): TypeError => new TypeError(`service ${name}: ${what}`);
  const unknown = Object.keys(definition).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) throw wrong(`has no option ${unknown}`);
  if (typeof name !== "string" || !/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
    throw wrong("a name is made of a-z 0-9 _ -");
  }
  if (network !== "public" && network !== "private") {
    throw wrong('network must be "public" or "private"');
  }
  if (pageLinks !== "as-given" && pageLinks !== "asked-path") {
    throw wrong('pageLinks must be "as-given" or "asked-path"');
  }
  if (refusal !== undefined && typeof refusal !== "function") {
    throw wrong("refusal must be a function");
  }
  if (typeof strictQuery !== "boolean") throw wrong("strictQuery must be true or false");
  const routes = readRoutes(definition, wrong);
  const service: Service = {
    name,
    baseUrl: readBaseUrl(definition.baseUrl, network, wrong),
    credential: readCredential(credential, wrong),
    routes,
    scopes: Object.keys(definition.scopes).map((scope) => `${name}:${scope}`),
    parameters: [...new Set(routes.flatMap((route) => [...route.parameters.keys()]))],
    forwardHeaders: new Set((definition.forwardHeaders ?? []).map((one) => headerName(one, wrong))),
    foreignCredentials: new Set((definition.foreignCredentials ?? []).map(fold)),
    network,
    [CONNECT]: connect,
    pageLinks,
    strictQuery,
    refusal,
  };
  return Object.freeze(service) as Service<ScopesOf<D>, NamesOf<D>>;
}

const KNOWN: ReadonlySet<string> = new Set<keyof ServiceDefinition>([
  "name",
  "baseUrl",
  "credential",
  "scopes",
  "forwardHeaders",
  "foreignCredentials",
  "network",
  "pageLinks",
  "strictQuery",
  "refusal",
]);

function readRoutes(
  { name, scopes }: ServiceDefinition,
  wrong: (what: string) => TypeError,
): readonly Route[] {
  const byShape = new Map<string, Route>();
  for (const [action, definitions] of Object.entries(scopes)) {
    const scope = `${name}:${action}`;
    if (!isScope(scope)) throw wrong(`${JSON.stringify(action)} is not a scope's end`);
    for (const definition of definitions) {
      const route = explained(() => readRoute(definition), wrong);
      const shape = routeShape(route);
      const known = byShape.get(shape);
      if (known !== undefined && !isSame(known, route)) {
        throw wrong(`${route.method} ${route.pattern} is declared twice, with other parameters`);
      }
      byShape.set(shape, { ...route, scopes: [...(known?.scopes ?? []), scope] as never });
    }
  }
  if (byShape.size === 0) throw wrong("scopes has no route");
  return [...byShape.values()];
}

function isSame(a: Omit<Route, "scopes">, b: Omit<Route, "scopes">): boolean {
  const text = ({ pattern, parameters, bodyFormats, bytes }: Omit<Route, "scopes">): string =>
    JSON.stringify([pattern, [...parameters.values()], bodyFormats, bytes]);
  return text(a) === text(b);
}

function explained<T>(read: () => T, wrong: (what: string) => TypeError): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof TypeError ? wrong(error.message) : error;
  }
}

function readBaseUrl(
  text: string,
  network: "public" | "private",
  wrong: (what: string) => TypeError,
): URL {
  const url = URL.parse(text);
  if (url === null) throw wrong("baseUrl is not a URL");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && network === "private")) {
    throw wrong('baseUrl must be https (http only with network: "private")');
  }
  if (url.username !== "" || url.password !== "") throw wrong("baseUrl must not hold a credential");
  if (url.search !== "" || url.hash !== "") throw wrong("baseUrl must not have a query or a hash");
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

function readCredential(credential: Credential, wrong: (what: string) => TypeError): Credential {
  const kinds: readonly unknown[] = ["header", "basic", "query", "signed"];
  if (typeof credential !== "object" || credential === null || !kinds.includes(credential.kind)) {
    throw wrong("credential must be bearer(), token(), basic(), header(), query() or signed()");
  }
  if (credential.kind === "header") headerName(credential.name, wrong);
  return credential;
}

/** Never these: they frame the message, or would hand on what the caller may not say. */
const NOT_SENT_ON =
  /^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|cookie|forwarded|via|x-forwarded-.*|x-real-ip|x-http-method.*|x-method-override|x-original-.*|x-rewrite-.*|proxy-.*)$/;

function headerName(name: string, wrong: (what: string) => TypeError): string {
  const lower = name.toLowerCase();
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) || NOT_SENT_ON.test(lower)) {
    throw wrong(`${JSON.stringify(name)} is not a header to be sent on`);
  }
  return lower;
}
