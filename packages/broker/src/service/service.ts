import type { CONNECT, InProcess, InProcessHost } from "@agent-keys/core/enforce";
import type { Credential } from "./credential.ts";

/** Where a request carries a parameter. `body` is a JSON object's member or a form's field. */
export type ParameterLocation = "path" | "query" | "header" | "body";

/**
 * What a parameter's text stands for. `path` is a string that may hold slashes. A JSON body has types
 * of its own; there it says what a value, or each element of an array, is expected to be.
 */
export type ParameterType = "string" | "path" | "int" | "number" | "boolean";

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
  /** Names under which a caller's own credential may stand in a query or body: taken out. */
  readonly foreignCredentials: ReadonlySet<string>;
  /** `"private"`: the host may be on loopback, in a private or a link-local network. */
  readonly network: "public" | "private";
  /** How `createAgentKeys({ services })` finds the engine. */
  [CONNECT](host: InProcessHost): InProcess;
}
