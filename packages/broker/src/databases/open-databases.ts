import type { Store } from "@agent-keys/core";
import type { Common, RequestRecord } from "@agent-keys/core/enforce";
import { openFlights } from "../engine/flights.ts";
import type { Limits } from "../engine/limits.ts";
import type { RequestLog } from "../engine/record.ts";
import { asRefused, Refused } from "../engine/refusal.ts";
import type { VerifiedKey, Verifier } from "../engine/verifier.ts";
import { openAdmin } from "./admin.ts";
import type { Address, Database } from "./database.ts";
import { requireRights, setAsideAll } from "./grants-in-use.ts";
import type { Rights } from "./rights.ts";
import { openRoles, type Role, type Roles } from "./roles.ts";
import { databaseTeller } from "./tell-database.ts";

/** What a client logs in with. */
export interface Connection extends Address {
  readonly user: string;
  readonly password: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** The databases of a broker. */
export interface Databases {
  /**
   * Makes a role with what the key's grants allow in a database.
   *
   * @throws Refused or AgentKeyError, and nobody has a role then.
   */
  connect(key: VerifiedKey, name: string): Promise<Connection>;
  /** Ends the roles of keys that do not live any more. */
  sweep(): void;
  /** Looks for roles that were left behind, now and again from now on. */
  start(): void;
  /** Drops every role, as far as that is possible in a few seconds. */
  close(): Promise<void>;
}

/** What they are made of. */
export interface DatabasesParts {
  readonly databases: readonly Database[];
  readonly verifier: Verifier;
  readonly log: RequestLog;
  readonly store: Store;
  readonly limits: Limits;
  readonly now: () => number;
}

interface Served {
  readonly database: Database;
  readonly roles: Roles;
  /** Each role that is there, or may be. */
  readonly places: Set<Place>;
  close(): Promise<void>;
}

/** A role's place among those that may live at the same time, and what is on record of it. */
interface Place {
  readonly iss: string;
  name: string | undefined;
  records: readonly Common<RequestRecord>[];
  startedMs: number;
  state: "living" | "over" | "ending";
}

const SWEEP_MS = 10_000;
/** A server may take a moment to notice that the broker before this one was killed. */
const AGAIN_MS = 1_000;
const CLOSE_MS = 5_000;

export function openDatabases(parts: DatabasesParts): Databases {
  const { verifier, log, store, limits } = parts;
  // Apart from requests, which a stop waits for.
  const flights = openFlights(verifier);
  const tell = databaseTeller();
  let timer: NodeJS.Timeout | undefined;
  let early: NodeJS.Timeout | undefined;
  let closing = false;
  const served = new Map(
    parts.databases.map((database): readonly [string, Served] => {
      const admin = openAdmin(database, parts.now);
      const roles = openRoles(database, admin);
      return [database.name, { database, roles, places: new Set(), close: () => admin.close() }];
    }),
  );

  const complete = ({ records, startedMs }: Place, status: number): void => {
    for (const record of records) log.completed(record, { status, bytes: 0, startedMs });
  };

  /** What could not be dropped keeps its place, and is tried again by the next sweep. */
  const end = async (place: Place, { roles, places }: Served): Promise<void> => {
    if (place.state === "ending" || place.name === undefined) return;
    place.state = "ending";
    try {
      await roles.drop(place.name);
    } catch {
      place.state = "over";
      return;
    }
    if (places.delete(place)) complete(place, 200);
  };

  const sweepLeft = async (): Promise<void> => {
    await Promise.allSettled(
      [...served.values()].map(async (of) => {
        const over = [...of.places].filter(({ state }) => state === "over");
        await Promise.all(over.map((place) => end(place, of)));
        await of.roles.sweep();
      }),
    );
  };

  /** All of it on record, or none of it done. */
  const announce = (key: VerifiedKey, name: string, { grants }: Rights, place: Place): void => {
    for (const at of grants) {
      const grant = key.effective[at]?.grant;
      if (grant === undefined) throw new Refused("upstream_unavailable", "internal");
      const target = { service: name, method: "CONNECT", route: grant.scope };
      place.records = [...place.records, log.allowed(key, grant, target)];
    }
  };

  const make = async (key: VerifiedKey, of: Served, place: Place): Promise<Connection> => {
    const { database, roles } = of;
    const allowed = requireRights(database, key);
    const use = await setAsideAll(key, allowed.grants, store, limits);
    const { iss, jti, exp } = key.claims;
    const expiresAtMs = Math.floor(exp * 1000);
    try {
      // Once more: the store took time.
      verifier.requireLive(key);
      announce(key, database.name, allowed, place);
    } catch (error) {
      complete(place, 503);
      await use.settle("unsent");
      throw error;
    }
    let made: Role;
    try {
      made = await roles.create({ iss, jti, expiresAtMs }, allowed.rights);
    } catch (error) {
      complete(place, 502);
      // Whatever became of the role: nobody has its password.
      await use.settle("unsent");
      const why = asRefused(error, "database");
      tell(database.name, why.error);
      throw why;
    }
    place.name = made.name;
    try {
      if (closing) throw stopping();
      verifier.requireLive(key);
    } catch (error) {
      await use.settle("unsent");
      await end(place, of);
      throw error;
    }
    const flight = {
      place: -1,
      key,
      deadlineMs: Infinity,
      cut: () => {
        flights.delete(flight);
        void end(place, of);
      },
    };
    flights.add(flight);
    await use.settle("answered");
    const { address, name: user, password } = made;
    return { ...address, user, password, expiresAtMs };
  };

  return {
    async connect(key, name) {
      const of = served.get(name);
      if (of === undefined) throw new Refused("route_unknown", "service");
      const { database, places } = of;
      const { iss } = key.claims;
      const own = [...places].filter((place) => place.iss === iss).length;
      if (closing) throw stopping();
      if (own >= database.rolesOfIssuer || places.size >= database.roles) {
        throw new Refused("limit_exceeded", "limit");
      }
      const startedMs = performance.now();
      const place: Place = { iss, name: undefined, records: [], startedMs, state: "living" };
      places.add(place);
      try {
        return await make(key, of, place);
      } catch (error) {
        // One that was made is given back when it is dropped.
        if (place.name === undefined) places.delete(place);
        throw error;
      }
    },
    sweep: () => flights.sweep(),
    start() {
      if (served.size === 0) return;
      void sweepLeft();
      early = setTimeout(() => void sweepLeft(), AGAIN_MS).unref();
      timer = setInterval(() => void sweepLeft(), SWEEP_MS).unref();
    },
    async close() {
      closing = true;
      clearInterval(timer);
      clearTimeout(early);
      const all = [...served.values()];
      const dropping = all.flatMap((of) => [...of.places].map((place) => end(place, of)));
      let late: NodeJS.Timeout | undefined;
      const patience = new Promise((resolve) => {
        late = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([Promise.all(dropping), patience]);
      clearTimeout(late);
      await Promise.all(all.map((of) => of.close()));
    },
  };
}

function stopping(): Refused {
  return new Refused("upstream_unavailable", "stop", { status: 503 });
}
