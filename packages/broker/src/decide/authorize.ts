import { checkRequest, type Grant } from "@agent-keys/core";
import { fold, readings } from "../service/fold-name.ts";
import { decodedMatches, matchRoute, type RouteMatch } from "../service/route-table.ts";
import type { Route, Service } from "../service/service.ts";
import { mayHoldMembers, readBody, type ReadBody } from "./body.ts";
import type { AskedRequest, Authority, Decision, Forward } from "./decision.ts";
import { forwardHeaders } from "./forward-headers.ts";
import { type NamedValue, nameValues, type Values } from "./named-values.ts";
import { type Pair, readPairs, writePairs } from "./pairs.ts";
import { isRefused, type Refused, refused } from "./refused.ts";
import { readTarget, writePath } from "./target.ts";

/**
 * Decides whether a key allows a request, and what then is sent. Pure and total: one grant must allow
 * the whole request, on the parameters that the route declares; what is sent is written anew from what
 * was read. It knows nothing of signatures, revocation or uses.
 */
export function authorize(request: AskedRequest, authority: Authority, service: Service): Decision {
  const target = readTarget(request.path);
  if (isRefused(target)) return target;
  const match = matchRoute(service, request.method, target.segments);
  if (match === undefined) return refused("route_unknown", "route", "no route of the service");
  const others = decodedMatches(service, request.method, target.segments);
  if (others === undefined) return refused("request_invalid", "path", "the path is too long");
  let decision = decideRoute(request, authority, service, match, target.segments);
  if (isRefused(decision)) return { ...decision, route: match.route };
  for (const other of others) {
    if (decision.outcome !== "allowed") return decision;
    const read = decideRoute(request, authority, service, other, target.segments);
    if (isRefused(read)) return { ...read, route: other.route };
    if (read.outcome !== "allowed") return read;
    decision = whereBothAllow(decision, read);
  }
  return decision;
}

type Allowed = Extract<Decision, { outcome: "allowed" }>;

/** One grant has to allow the request whichever way an encoded slash in it is read. */
function whereBothAllow(decision: Allowed, read: Allowed): Decision {
  const [first, ...rest] = decision.grants.filter((index) => read.grants.includes(index));
  if (first !== undefined) return { ...decision, grants: [first, ...rest] };
  const { route } = read;
  const detail = "an encoded slash may be read as another route";
  return { ...refused("constraint_failed", "path", detail), route };
}

function decideRoute(
  request: AskedRequest,
  { grants }: Authority,
  service: Service,
  match: RouteMatch,
  segments: readonly string[],
): Decision {
  const { route } = match;
  const candidates = grants.filter(({ scope }) => route.scopes.includes(scope));
  if (candidates.length === 0) {
    return refused("insufficient_scope", "scope", `needs ${route.scopes.join(" or ")}`);
  }
  if (route.method === "GET" && request.body !== "none") {
    return refused("request_invalid", "body", "a GET or HEAD with a body");
  }
  const pairs = readQuery(request.query, service, route);
  if (isRefused(pairs)) return pairs;
  const contentType = request.headers.find(([name]) => name === "content-type")?.[1];
  const encoding = request.headers.find(([name]) => name === "content-encoding")?.[1];
  const constrained = namesIn(candidates);
  const wanted = bodyWanted(route, candidates, constrained, contentType, service);
  const given = wanted ? request.body : "none";
  if (given === "unread") return { outcome: "needs_body", route };
  if (given !== "none" && encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return refused("request_invalid", "body", "a constraint needs a body that is not compressed");
  }
  const body =
    given === "none" ? undefined : readBody(given, contentType, route, service.foreignCredentials);
  if (body !== undefined && isRefused(body)) return body;
  const headers = forwardHeaders(request.headers, service, headerNames(route));
  if (isRefused(headers)) return headers;
  const found = valuesIn(match, pairs.pairs, request.headers, body);
  const named = nameValues(found, route.parameters, constrained);
  if (isRefused(named)) return named;
  const chosen = choose(grants, route.scopes, named.values, body);
  if (isRefused(chosen)) return chosen;
  const query = writePairs(pairs.pairs);
  const forward: Forward = {
    method: request.method,
    path: writePath(segments),
    query: query === "" ? "" : `?${query}`,
    headers: headers.headers,
    body: bodyToSend(request.body, body),
  };
  return { outcome: "allowed", route, ...chosen, forward };
}

/** A credential wherever a server takes bearers (RFC 6750 §2.3), unless a route says otherwise. */
const ACCESS_TOKEN = fold("access_token");

/**
 * The caller's own credentials do not count as parameters, and are not sent on, in whatever spelling: the
 * service could prefer one to the broker's, and then act for somebody else.
 */
function readQuery(
  query: string,
  { credential, foreignCredentials, strictQuery }: Service,
  { parameters }: Route,
): { readonly pairs: readonly Pair[] } | Refused {
  const pairs = readPairs(query);
  if (pairs === undefined) return refused("request_invalid", "query", "the query is malformed");
  const own = credential.kind === "query" ? fold(credential.name) : undefined;
  const isCredential = (name: string): boolean =>
    readings(name).some((one) => {
      if (one === own || foreignCredentials.has(one)) return true;
      return one === ACCESS_TOKEN && !parameters.has(name);
    });
  const sent = pairs.filter(([name]) => !isCredential(name));
  const isDeclared = (name: string): boolean => parameters.get(name)?.location === "query";
  if (strictQuery && !sent.every(([name]) => isDeclared(name))) {
    return refused("route_unknown", "route", "the query names another operation");
  }
  return { pairs: sent };
}

/**
 * Whether a body has to be read before it can be allowed: under any constraint, since servers take names
 * from a body that belong elsewhere, and from one of any type. A body that the route says is bytes only
 * under `only`, which it then does not pass.
 */
function bodyWanted(
  { bytes }: Route,
  candidates: readonly Grant[],
  constrained: ReadonlySet<string>,
  contentType: string | undefined,
  { foreignCredentials }: Service,
): boolean {
  if (candidates.some(({ only }) => only === true)) return true;
  if (bytes) return false;
  if (foreignCredentials.size > 0 && mayHoldMembers(contentType)) return true;
  return constrained.size > 0;
}

/** The names that some grant constrains. */
function namesIn(grants: readonly Grant[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { where = {} } of grants) for (const name of Object.keys(where)) names.add(name);
  return names;
}

const headersByRoute = new WeakMap<Route, ReadonlySet<string>>();

/** Of the parameters that a route declares. */
function headerNames(route: Route): ReadonlySet<string> {
  const known = headersByRoute.get(route);
  if (known !== undefined) return known;
  const declared = [...route.parameters.values()].filter(({ location }) => location === "header");
  const names = new Set(declared.map(({ name }) => name));
  headersByRoute.set(route, names);
  return names;
}

function valuesIn(
  { route, path }: RouteMatch,
  pairs: readonly Pair[],
  headers: AskedRequest["headers"],
  body: ReadBody | undefined,
): readonly NamedValue[] {
  const found: NamedValue[] = [];
  for (const [name, value] of path) found.push({ name, location: "path", value });
  for (const [name, value] of pairs) found.push({ name, location: "query", value });
  for (const [name, value] of headers) {
    // A header of another name is no parameter; `authorization` never is, for it was taken out.
    if (route.parameters.get(name)?.location === "header")
      found.push({ name, location: "header", value });
  }
  for (const [name, value] of body?.members ?? []) found.push({ name, location: "body", value });
  return found;
}

/**
 * The grants that allow all of it under one scope of the route. Nothing can be said under `only` of a
 * body without names.
 */
function choose(
  grants: readonly Grant[],
  scopes: readonly string[],
  values: Values,
  body: ReadBody | undefined,
): { readonly scope: string; readonly grants: readonly [number, ...number[]] } | Refused {
  const failed = new Set<string>();
  for (const scope of scopes) {
    const decision = checkRequest(grants, { scope, values });
    if (decision.allowed) {
      const [first, ...rest] = decision.grants.filter(
        (index) => body?.named !== false || grants[index]?.only !== true,
      );
      if (first !== undefined) return { scope, grants: [first, ...rest] };
    } else {
      for (const name of decision.failed) failed.add(name);
    }
  }
  const names = [...failed].map((name) => name.slice(0, 100)).join(", ");
  return refused("constraint_failed", "constraint", `outside the key's grants: ${names}`);
}

function bodyToSend(asked: AskedRequest["body"], body: ReadBody | undefined): Forward["body"] {
  if (body !== undefined) return body.write();
  return asked === "unread" ? "stream" : asked;
}
