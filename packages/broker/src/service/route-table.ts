import type { Route, Segment, Service } from "./service.ts";

/** A route and the texts of its path parameters, decoded. */
export interface RouteMatch {
  readonly route: Route;
  readonly path: ReadonlyMap<string, string>;
}

/** Two routes of one shape would match the same requests. */
export function routeShape({ method, segments }: Pick<Route, "method" | "segments">): string {
  const shape = segments.map((segment) =>
    segment.kind === "static" ? segment.text : segment.kind === "rest" ? ":*" : ":",
  );
  return `${method} /${shape.join("/")}`;
}

/** What is tried first: a text before a parameter, from the left, and many segments last. */
function rank(segments: readonly Segment[]): string {
  const ranks = { static: "0", parameter: "1", rest: "2" };
  return segments.map(({ kind }) => ranks[kind]).join("");
}

const tables = new WeakMap<Service, ReadonlyMap<string, readonly Route[]>>();

/**
 * The route that a request is for; `undefined` when none is. A method is answered where it is declared,
 * and `HEAD` where `GET` is.
 *
 * @param segments - Of the path, decoded.
 */
export function matchRoute(
  service: Service,
  method: string,
  segments: readonly string[],
): RouteMatch | undefined {
  const table = tableOf(service);
  const verb = method === "HEAD" ? "GET" : method;
  const exact = table.get(`${verb} ${segments.length}`) ?? [];
  for (const route of [...exact, ...(table.get(`${verb} *`) ?? [])]) {
    const path = bind(route.segments, segments);
    if (path !== undefined) return { route, path };
  }
  return undefined;
}

function tableOf(service: Service): ReadonlyMap<string, readonly Route[]> {
  const known = tables.get(service);
  if (known !== undefined) return known;
  const table = new Map<string, Route[]>();
  const sorted = service.routes.toSorted((a, b) =>
    rank(a.segments).localeCompare(rank(b.segments)),
  );
  for (const route of sorted) {
    const open = route.segments.at(-1)?.kind === "rest";
    const key = `${route.method} ${open ? "*" : route.segments.length}`;
    table.set(key, [...(table.get(key) ?? []), route]);
  }
  tables.set(service, table);
  return table;
}

function bind(
  pattern: readonly Segment[],
  segments: readonly string[],
): ReadonlyMap<string, string> | undefined {
  if (segments.length < pattern.length) return undefined;
  // The texts first: most of the routes that are tried differ in one.
  if (pattern.some((one, at) => one.kind === "static" && one.text !== segments[at])) {
    return undefined;
  }
  const path = new Map<string, string>();
  for (const [index, segment] of pattern.entries()) {
    const text = segments[index] ?? "";
    if (segment.kind === "static") continue;
    if (segment.kind === "rest") {
      path.set(segment.name, segments.slice(index).join("/"));
    } else {
      if (!suits(segment, text)) return undefined;
      path.set(segment.name, text);
    }
  }
  return path;
}

/** An encoded slash may be what a service takes for one: only a parameter that says so holds any. */
function suits({ type }: Exclude<Segment, { kind: "static" }>, text: string): boolean {
  if (type === "path") return true;
  if (text.includes("/")) return false;
  if (type === "string" || type === "json") return true;
  return fromText(type, text) !== undefined;
}

/** The value that a text stands for in its canonical form; `undefined` when it is not in that form. */
export function fromText(
  type: "int" | "number" | "boolean",
  text: string,
): number | boolean | undefined {
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  const value = Number(text);
  if (String(value) !== text || !Number.isFinite(value)) return undefined;
  return type === "int" && !Number.isSafeInteger(value) ? undefined : value;
}
