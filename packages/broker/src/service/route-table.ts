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

/** More than this no path has that means well; how a longer one could be read takes time to find out. */
const MAX_PARTS = 64;

/**
 * The routes that a server may take a request for which decodes a slash before it looks at the path, also
 * where it takes what is then more than one segment for a parameter that may hold slashes. Empty when no
 * segment holds a slash; `undefined` when there is too much to look at.
 *
 * @param segments - Of the path, decoded.
 */
export function decodedMatches(
  service: Service,
  method: string,
  segments: readonly string[],
): readonly RouteMatch[] | undefined {
  if (!segments.some((segment) => segment.includes("/"))) return [];
  const parts = segments.flatMap((segment) => {
    const texts = segment.split("/");
    return texts.map((text, at) => ({ text, ends: at === texts.length - 1 }));
  });
  if (parts.length > MAX_PARTS) return undefined;
  const verb = method === "HEAD" ? "GET" : method;
  return service.routes
    .filter((route) => route.method === verb)
    .flatMap((route) =>
      bindings(route.segments, parts).map((path) => ({ route, path: new Map(path) })),
    );
}

/** What stands between two slashes, encoded or not. */
interface Part {
  readonly text: string;
  /** Whether the slash behind it is one that every server sees, or nothing is behind it. */
  readonly ends: boolean;
}

type Binding = readonly (readonly [name: string, text: string])[];

/** Every way that a pattern can stand for the parts. Few: hardly a pattern has two such parameters. */
function bindings(pattern: readonly Segment[], parts: readonly Part[]): readonly Binding[] {
  const [first, ...others] = pattern;
  const [part] = parts;
  if (first === undefined || part === undefined) return pattern.length === parts.length ? [[]] : [];
  if (first.kind === "static") {
    return first.text === part.text ? bindings(others, parts.slice(1)) : [];
  }
  const bound = (taken: number): readonly Binding[] => {
    const text = parts
      .slice(0, taken)
      .map((one) => one.text)
      .join("/");
    if (!suits(first, text)) return [];
    return bindings(others, parts.slice(taken)).map((rest) => [[first.name, text], ...rest]);
  };
  if (first.kind === "rest") return bound(parts.length);
  const longest = first.type === "path" ? parts.findIndex(({ ends }) => ends) + 1 : 1;
  return Array.from({ length: longest }, (_, at) => bound(at + 1)).flat();
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
  if (type === "int" || type === "number" || type === "boolean") {
    return fromText(type, text) !== undefined;
  }
  return true;
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
