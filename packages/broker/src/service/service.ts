import type { CONNECT, InProcess, InProcessHost } from "@agent-keys/core/enforce";
import type { AgentKeyErrorCode } from "@agent-keys/core";
import type { Credential } from "./credential.ts";

/** Where a request carries a parameter. `body` is a JSON object's member or a form's field. */
export type ParameterLocation = "path" | "query" | "header" | "body";

/**
 * What a parameter's text stands for. `path` is a string that may hold slashes: where one segment stands
 * for it, the service must take an encoded slash for a part of the value, and the broker refuses a value
 * that, decoded, would be another route which the key may not use. A JSON body has types of its own;
 * there it says what a value is expected to be, and a list or an object in its place is refused where a
 * grant constrains it. `string[]` and `int[]` are one value or a list, of which each element is held to
 * the constraint. `json` is an object or a list of them, of which a constraint can only say that it may be
 * there: `{ any: true }`.
 */
export type ParameterType =
  | "string"
  | "string[]"
  | "path"
  | "int"
  | "int[]"
  | "number"
  | "boolean"
  | "json";

/** A parameter that a route declares: what a constraint may name. */
export interface Parameter {
  readonly name: string;
  readonly location: ParameterLocation;
  readonly type: ParameterType;
}

/** One segment of a route's path. `rest` stands for one or more segments, and only ends a path. */
export type Segment =
  | { readonly kind: "static"; readonly text: string }
  | { readonly kind: "parameter" | "rest"; readonly name: string; readonly type: ParameterType };

/** The methods that a route may have. `HEAD` is answered where `GET` is. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** How a body may be written. */
export type BodyFormat = "json" | "form";

/** One operation of a service, as the broker knows it. */
export interface Route {
  readonly method: Method;
  /** The pattern, as it stands on the record: `/repos/:owner/:repo`. */
  readonly pattern: string;
  readonly segments: readonly Segment[];
  /** The scopes that allow it, any of them, with the service's name: `github:repos.read`. */
  readonly scopes: readonly [string, ...string[]];
  /** Declared parameters by name. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Empty when the route declares no body parameter. */
  readonly bodyFormats: readonly BodyFormat[];
  /** The body is bytes, whatever its type says: nothing in it is a parameter, and it is never read. */
  readonly bytes: boolean;
}

/** A refusal, as a service's own way of telling it gets to see it. */
export interface RefusalToTell {
  readonly code: AgentKeyErrorCode;
  readonly message: string;
}

/** What a refusal is answered with. */
export interface RefusalAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An upstream API as the broker knows it. Made by `defineService`. */
export interface Service<Scope extends string = string, Name extends string = string> {
  /** The first part of its scopes, and of the broker's path: `github`. */
  readonly name: string;
  /** Scheme, host and path prefix, without a slash at the end. */
  readonly baseUrl: URL;
  readonly credential: Credential;
  readonly routes: readonly Route[];
  /** Every scope that a route needs. */
  readonly scopes: readonly Scope[];
  /** Every parameter that a route declares: what `where` may name. */
  readonly parameters: readonly Name[];
  /** Header names, in lower case, that are sent on beside the usual ones. */
  readonly forwardHeaders: ReadonlySet<string>;
  /** Names under which a caller's own credential may stand in a query or body, folded: taken out. */
  readonly foreignCredentials: ReadonlySet<string>;
  /** `"private"`: the host may be on loopback, in a private or a link-local network. */
  readonly network: "public" | "private";
  /** How `createAgentKeys({ services })` finds the engine. */
  [CONNECT](host: InProcessHost): InProcess;
  /** `"asked-path"`: a `Link` to another page leads to the path that was asked for, with the link's query. */
  readonly pageLinks: "as-given" | "asked-path";
  /** A query with a name that the route does not declare is another operation: `route_unknown`. */
  readonly strictQuery: boolean;
  /** How a refusal that no retry changes is told; `undefined`: with the code's status, as JSON. */
  readonly refusal: ((refusal: RefusalToTell) => RefusalAnswer) | undefined;
}
