import type { Store } from "@agent-keys/core";
import type { Pool } from "undici";
import type { Service } from "../service/service.ts";
import type { Flights } from "./flights.ts";
import type { HeldBodies } from "./held-bodies.ts";
import type { Limits } from "./limits.ts";
import type { RequestLog } from "./record.ts";
import type { ServiceSecret } from "./secrets.ts";
import type { Verifier } from "./verifier.ts";

/** A service, and everything that is needed to send it a request. */
export interface Served {
  readonly service: Service;
  readonly pool: Pool;
  readonly secret: ServiceSecret;
}

/** What a request is handled with. */
export interface Workings {
  readonly store: Store;
  readonly limits: Limits;
  /** Where clients reach the broker; `undefined`: by the services' own addresses. */
  readonly publicUrl: (() => string) | undefined;
  readonly served: ReadonlyMap<string, Served>;
  readonly verifier: Verifier;
  readonly flights: Flights;
  readonly log: RequestLog;
  readonly bodies: HeldBodies;
  /** Requests under way, by issuer. */
  readonly active: Map<string, number>;
}
