import type { AgentKeyErrorCode, Grant } from "@agent-keys/core";
import type { Route } from "../service/service.ts";

/** A request for a service, as it came, before anything is believed of it. */
export interface AskedRequest {
  readonly method: string;
  /** Behind `/<service>`, not decoded; begins with a slash. */
  readonly path: string;
  /** Behind the `?`, not decoded; empty when there is none. */
  readonly query: string;
  /** Lower-case names, in order, with duplicates. The key itself is taken out before. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: AskedBody;
}

/** `unread`: there is one, and nobody has looked at it yet. */
export type AskedBody = "none" | "unread" | Uint8Array;

/** What the key allows at this broker: the meets of its grants with the issuer's policy. */
export interface Authority {
  readonly grants: readonly Grant[];
}

/** What is sent upstream: built from what was decided, without the credential. */
export interface Forward {
  readonly method: string;
  /** Behind the service's base URL; begins with a slash. */
  readonly path: string;
  /** With the `?`, or empty. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** `stream`: the caller's body as it comes, of which nothing is constrained. */
  readonly body: "none" | "stream" | Uint8Array;
}

/** Whether a request may be sent, and what then is sent. */
export type Decision =
  | {
      readonly outcome: "allowed";
      readonly route: Route;
      /** The one of the route's scopes that the grants below allow. */
      readonly scope: string;
      /** Indices into the authority's grants: any of them allows the whole request. */
      readonly grants: readonly [number, ...number[]];
      readonly forward: Forward;
    }
  /** Something constrains the body: ask again with all of it. */
  | { readonly outcome: "needs_body"; readonly route: Route }
  | {
      readonly outcome: "refused";
      readonly code: AgentKeyErrorCode;
      /** Which check refused, for the record: `path`, `route`, `query`, `body`, `scope`, `constraint`. */
      readonly check: string;
      /** What a developer may be told. Never a value. */
      readonly detail: string;
      readonly route?: Route | undefined;
    };
