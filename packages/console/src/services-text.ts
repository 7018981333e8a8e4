import { printable } from "@agent-keys/core/audit";
import type { Parameter, Route, Service } from "@agent-keys/broker";
import { wrap } from "./wrap.ts";

/** What is told of a service. */
export interface ListedService {
  readonly name: string;
  readonly baseUrl: string;
  /** The name of the source of its secret. */
  readonly secret: string | undefined;
  readonly scopes: readonly ListedScope[];
}

interface ListedScope {
  readonly scope: string;
  readonly routes: readonly ListedRoute[];
}

interface ListedRoute {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
}

export function listedService(
  { name, baseUrl, scopes, routes }: Service,
  secret: string | undefined,
): ListedService {
  return {
    name,
    baseUrl: baseUrl.href.replace(/\/$/, ""),
    secret,
    scopes: scopes.map((scope) => ({
      scope,
      routes: routes.filter((route) => route.scopes.includes(scope)).map(listedRoute),
    })),
  };
}

function listedRoute({ method, pattern, parameters }: Route): ListedRoute {
  return { method, path: pattern, parameters: [...parameters.values()] };
}

/** A service for people: a line for each scope, and with `explain` one for each route. */
export function serviceText(
  { name, baseUrl, secret, scopes }: ListedService,
  { explain, columns: given }: { readonly explain: boolean; readonly columns: number },
): string {
  // In a pipe too: parameters would make lines of hundreds of columns. Programs have --json.
  const columns = given === Infinity ? 80 : given;
  const width = Math.max(...scopes.map(({ scope }) => scope.length));
  const lines = scopes.flatMap(({ scope, routes }) => {
    const count = `${routes.length} route${routes.length === 1 ? "" : "s"}`;
    const line = `  ${scope.padEnd(width)}  ${count}`;
    return explain ? [line, ...routes.flatMap((route) => routeLines(route, columns))] : [line];
  });
  const head = `${name}  ${baseUrl}  secret ${secret ?? "missing"}`;
  return [head, ...lines].map((line) => `${printable(line)}\n`).join("");
}

const METHOD_WIDTH = 6;
const INDENT = " ".repeat(4 + METHOD_WIDTH + 1);

function routeLines({ method, path, parameters }: ListedRoute, columns: number): readonly string[] {
  // The path shows its own.
  const others = parameters.filter(({ location }) => location !== "path");
  const byLocation = Map.groupBy(others, ({ location }) => location);
  const notes = [...byLocation].flatMap(([location, list]) => {
    const text = `${location}: ${list.map(parameterText).join(", ")}`;
    return wrap(text, columns - INDENT.length);
  });
  const [start = "", ...on] = wrapPath(path, columns - INDENT.length);
  return [
    `    ${method.padEnd(METHOD_WIDTH)} ${start}`,
    ...on.map((part) => `${INDENT}  ${part}`),
    ...notes.map((note) => `${INDENT}${note}`),
  ];
}

/** Breaks a path before its slashes, further lines two columns in. */
function wrapPath(path: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const segment of path.split(/(?=\/)/)) {
    const room = columns - (lines.length > 1 ? 2 : 0);
    const longer = `${lines.at(-1) ?? ""}${segment}`;
    if (lines.length > 0 && longer.length <= room) lines.splice(-1, 1, longer);
    else lines.push(segment);
  }
  return lines;
}

function parameterText({ name, type }: Parameter): string {
  return type === "string" ? name : `${name} (${type})`;
}
