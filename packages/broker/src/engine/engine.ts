import type { SecretSource, Store } from "@agent-keys/core";
import type { AuditLog, Clock } from "@agent-keys/core/enforce";
import { type SecretCache, secretCache } from "@agent-keys/secrets";
import type { Service } from "../service/service.ts";
import { answerRefusal } from "./answer-refusal.ts";
import { type Flights, openFlights } from "./flights.ts";
import { openHeldBodies } from "./held-bodies.ts";
import type { Incoming, Outgoing } from "./incoming.ts";
import type { RegisteredIssuer } from "./issuers.ts";
import type { Limits } from "./limits.ts";
import { openOrigin } from "./origin.ts";
import { type Hiding, openRequestLog, type RequestLog } from "./record.ts";
import type { Refused } from "./refusal.ts";
import { serviceSecret } from "./secrets.ts";
import { serveRequest } from "./serve-request.ts";
import { refusedTeller } from "./tell-refused.ts";
import { openVerifier, type Verifier } from "./verifier.ts";
import type { Workings } from "./workings.ts";

/** What an engine is made of. */
export interface EngineParts {
  readonly issuers: ReadonlyMap<string, RegisteredIssuer>;
  readonly services: readonly Service[];
  /** By service. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** The one `aud` that is accepted. */
  readonly audience: () => string;
  /** Where clients reach the broker; `undefined`: by the services' own addresses. */
  readonly publicUrl: (() => string) | undefined;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly hiding: Hiding;
  readonly limits: Limits;
  readonly now: Clock;
}

/** What enforces, whatever the requests come in by. */
export interface Engine {
  /** Decides on a request, sends it, and streams the answer back. Never rejects. */
  handle(incoming: Incoming, out: Outgoing): Promise<void>;
  /** Refuses what was never a request for a service. Counted on the record, not written one by one. */
  refuse(out: Outgoing, why: Refused, bodyUnread: boolean): void;
  readonly verifier: Verifier;
  readonly flights: Flights;
  readonly log: RequestLog;
  /** Ends the connections to the services, and gives back what their secrets were leased for. */
  close(): Promise<void>;
}

/** In process nobody else runs the broker: whose keys they are is told by its own errors. */
function telling(log: RequestLog, { audience, publicUrl }: EngineParts): RequestLog {
  if (publicUrl === undefined) return log;
  const tell = refusedTeller(audience);
  return {
    ...log,
    refusedUnverified(why) {
      log.refusedUnverified(why);
      tell(why);
    },
  };
}

export function openEngine(parts: EngineParts): Engine {
  const { audit, hiding, limits, now } = parts;
  const verifier = openVerifier(parts);
  const flights = openFlights(verifier);
  const log = telling(openRequestLog(audit, hiding), parts);
  const caches: SecretCache[] = [];
  const served = new Map(
    parts.services.map((service) => {
      const source = parts.secrets[service.name];
      if (source === undefined) throw new TypeError(`secrets.${service.name}: is missing`);
      const cache = secretCache(source, { now });
      caches.push(cache);
      const secret = serviceSecret(cache, service.credential, now);
      return [service.name, { service, pool: openOrigin(service, limits), secret }];
    }),
  );
  const { store, publicUrl } = parts;
  const active = new Map<string, number>();
  const bodies = openHeldBodies(limits);
  const known = { store, limits, publicUrl, served, verifier, flights, log };
  const workings: Workings = { ...known, bodies, active };
  return {
    handle: (incoming, out) => serveRequest(incoming, out, workings),
    refuse(out, why, bodyUnread) {
      log.refusedUnverified(why);
      answerRefusal(out, why, bodyUnread, { headers: whose(why, parts.audience) });
    },
    verifier,
    flights,
    log,
    async close() {
      log.settle();
      await Promise.all([...served.values()].map(({ pool }) => pool.destroy()));
      // Last: until then an answer may have had to be asked for once more.
      await Promise.all(caches.map((cache) => cache.close()));
    },
  };
}

/**
 * The likeliest reason of all why a good key is not believed is that it is for another audience, as is
 * one for `localhost` where the broker is called `127.0.0.1`. What the broker is called is no secret.
 */
function whose({ error }: Refused, audience: () => string): readonly string[] {
  return error.code === "token_invalid" ? ["agent-keys-audience", audience()] : [];
}
