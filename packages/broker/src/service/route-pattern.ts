import { fold } from "./fold-name.ts";
import type {
  BodyFormat,
  Method,
  Parameter,
  ParameterLocation,
  ParameterType,
  Route,
  Segment,
} from "./service.ts";

/** What one parameter is declared with, by name. */
export type ParameterTypes = Readonly<Record<string, ParameterType>>;

/**
 * A route: `"GET /repos/:owner/:repo/issues/:number{int}?state&page{int}"`, or the same with what does
 * not fit into a line. `:path{path}` is one segment that may hold an encoded slash, `:path*` one or more
 * segments. A name in `json` and in `form` may come in either. `bytes: true` is for uploads: the body is
 * passed on as it is, also where it says that it is JSON, and no constraint is held against it. Two names
 * of one route cannot differ in case, `_`, `-` and `.` alone: servers take them for one.
 */
export type RouteDefinition =
  | string
  | {
      readonly route: string;
      readonly query?: ParameterTypes | undefined;
      readonly headers?: ParameterTypes | undefined;
      readonly json?: ParameterTypes | undefined;
      readonly form?: ParameterTypes | undefined;
      readonly bytes?: true | undefined;
    };

type RouteShape = Omit<Route, "scopes">;

const ROUTE = /^(GET|POST|PUT|PATCH|DELETE) (\/[^?\s]*)(?:\?(\S+))?$/;
const SEGMENT = /^:([A-Za-z_][A-Za-z0-9_]*)(\*|\{([a-z]+)\})?$/;
const STATIC = /^[A-Za-z0-9_.~-]+$/;
const NAME = /^[A-Za-z0-9_.[\]-]+$/;
const TYPES: ReadonlySet<string> = new Set<ParameterType>([
  "string",
  "string[]",
  "path",
  "int",
  "int[]",
  "number",
  "boolean",
  "json",
]);

/**
 * Reads a route.
 *
 * @throws TypeError saying what is wrong, beginning with the route's text.
 */
export function readRoute(definition: RouteDefinition): RouteShape {
  const spec = typeof definition === "string" ? { route: definition } : definition;
  const wrong = (what: string): TypeError => new TypeError(`${spec.route}: ${what}`);
  const [, method, pattern, query] = ROUTE.exec(spec.route) ?? [];
  if (method === undefined || pattern === undefined) {
    throw wrong("must be a method, a space and a path that begins with a slash");
  }
  const parameters = new Map<string, Parameter>();
  const spelled = new Map<string, string>();
  const declare = (name: string, location: ParameterLocation, type: string): void => {
    if (!isType(type)) throw wrong(`${name} has no known type: ${type}`);
    // Anywhere else a name that may occur more than once says so itself: `name[]`.
    if (type.endsWith("[]") && location !== "body") throw wrong(`${name} can be no list there`);
    const known = parameters.get(name);
    const again = known?.location === "body" && location === "body" && known.type === type;
    if (known !== undefined && !again) throw wrong(`declares ${name} twice`);
    const other = spelled.get(folded(name)) ?? name;
    if (other !== name)
      throw wrong(`declares ${other} and ${name}, which servers take for one name`);
    spelled.set(folded(name), name);
    parameters.set(name, { name, location, type });
  };
  const declareAll = (types: ParameterTypes | undefined, location: ParameterLocation): void => {
    for (const [name, type] of Object.entries(types ?? {})) {
      if (!NAME.test(name)) throw wrong(`${JSON.stringify(name)} cannot be a parameter's name`);
      declare(location === "header" ? name.toLowerCase() : name, location, type);
    }
  };

  const segments = readSegments(pattern, wrong);
  for (const segment of segments) {
    if (segment.kind !== "static") declare(segment.name, "path", segment.type);
  }
  declareAll(queryTypes(query, wrong), "query");
  declareAll(spec.query, "query");
  declareAll(spec.headers, "header");
  const bodyFormats = BODY_FORMATS.filter((format) => spec[format] !== undefined);
  for (const format of bodyFormats) declareAll(spec[format], "body");
  requireSameBody(spec, wrong);
  if (bodyFormats.length > 0 && method === "GET") throw wrong("a GET has no body");
  const bytes = spec.bytes === true;
  if (bytes && bodyFormats.length > 0) throw wrong("a body of bytes has no parameters");
  if (bytes && method === "GET") throw wrong("a GET has no body");
  return { method: method as Method, pattern, segments, parameters, bodyFormats, bytes };
}

/** With its index, which tells `filter[name]` from `filter[type]`. */
function folded(name: string): string {
  return name.split("[").map(fold).join("[");
}

const BODY_FORMATS: readonly BodyFormat[] = ["json", "form"];

/** A name of one format only would be unconstrained in the other. */
function requireSameBody(
  { json, form }: Exclude<RouteDefinition, string>,
  wrong: (what: string) => TypeError,
): void {
  if (json === undefined || form === undefined) return;
  const names = (types: ParameterTypes): string => Object.keys(types).toSorted().join();
  if (names(json) !== names(form)) throw wrong("json and form must declare the same names");
}

function readSegments(pattern: string, wrong: (what: string) => TypeError): readonly Segment[] {
  if (pattern === "/") return [];
  const texts = pattern.slice(1).split("/");
  return texts.map((text, index): Segment => {
    const [parameter, name, suffix, type = "string"] = SEGMENT.exec(text) ?? [];
    if (parameter === undefined || name === undefined) {
      if (STATIC.test(text) && text !== "." && text !== "..") return { kind: "static", text };
      throw wrong(`${JSON.stringify(text)} is neither plain text nor a parameter`);
    }
    if (suffix !== "*") {
      if (isType(type)) return { kind: "parameter", name, type };
      throw wrong(`${name} has no known type: ${type}`);
    }
    if (index < texts.length - 1) throw wrong(`:${name}* can only be the last segment`);
    return { kind: "rest", name, type: "path" };
  });
}

function queryTypes(query: string | undefined, wrong: (what: string) => TypeError): ParameterTypes {
  const types: Record<string, ParameterType> = {};
  for (const part of query?.split("&") ?? []) {
    const [, name, type = "string"] = /^([^{}=]+)(?:\{([a-z]+)\})?$/.exec(part) ?? [];
    if (name === undefined || !isType(type)) throw wrong(`${JSON.stringify(part)} is no parameter`);
    if (Object.hasOwn(types, name)) throw wrong(`declares ${name} twice`);
    types[name] = type;
  }
  return types;
}

function isType(type: string): type is ParameterType {
  return TYPES.has(type);
}
