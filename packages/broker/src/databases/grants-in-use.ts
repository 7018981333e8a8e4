import type { Store } from "@agent-keys/core";
import { toGrants, type UsableGrant, usableGrants } from "@agent-keys/core/enforce";
import type { Limits } from "../engine/limits.ts";
import { Refused } from "../engine/refusal.ts";
import { type SetAside, setAside } from "../engine/set-aside.ts";
import type { VerifiedKey } from "../engine/verifier.ts";
import type { Database } from "./database.ts";
import { type Rights, rightsOf } from "./rights.ts";

/**
 * What a key's grants allow in a database.
 *
 * @throws Refused `insufficient_scope`, `constraint_failed`, or `policy_denied` for what the key itself would allow.
 */
export function requireRights(database: Database, { authority, claims }: VerifiedKey): Rights {
  const allowed = rightsOf(database, authority.grants);
  if (allowed.rights.length > 0) return allowed;
  const own = rightsOf(database, toGrants(claims));
  if (own.rights.length > 0) {
    const scopes = own.grants.flatMap((place) => toGrants(claims)[place]?.scope ?? []);
    throw new Refused("policy_denied", "policy", { scopes });
  }
  if (!own.asked) throw new Refused("insufficient_scope", "scope", { scopes: database.scopes });
  const detail = "no listed table or column is allowed, or PostgreSQL cannot hold the constraint";
  throw new Refused("constraint_failed", "constraint", { detail });
}

/**
 * Sets a use aside of every grant that the role is cut from: with the role, all of them are used. What
 * several share is charged once.
 */
export async function setAsideAll(
  { claims, effective }: VerifiedKey,
  places: readonly number[],
  { uses }: Store,
  { storeMs }: Limits,
): Promise<SetAside> {
  const due = new Map<string, UsableGrant["due"][number]>();
  for (const one of usableGrants(claims, effective, places)) {
    for (const charge of one.due) due.set(JSON.stringify([charge.kind, charge.id]), charge);
  }
  return await setAside([{ index: places[0] ?? 0, due: [...due.values()] }], uses, storeMs);
}
