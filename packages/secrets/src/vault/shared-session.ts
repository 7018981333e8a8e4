import { type LeasedSecret, leasedSecret } from "./lease.ts";
import { planServer, type VaultAuth, type VaultServer } from "./options.ts";
import { openSession, type VaultSession } from "./session.ts";

/** A session, and what is leased in it, as one source uses them. */
export interface JoinedSession {
  readonly session: VaultSession;
  /** Sources of one path share the lease: a user name and its password belong together. */
  lease(path: readonly string[], name: string): LeasedSecret;
  /** The last who leaves gives back what is leased, and the token. Never rejects. */
  leave(): Promise<void>;
}

interface Shared {
  readonly key: string;
  readonly auth: VaultAuth | undefined;
  readonly session: VaultSession;
  readonly leases: Map<string, LeasedSecret>;
  users: number;
}

/** Twenty secrets of one server need one token, not twenty. */
const all = new Set<Shared>();

/**
 * Joins the session that others have with the same server as the same role, or opens one.
 *
 * @throws TypeError when options and environment do not say which server, or how to be let in.
 */
export function joinSession(given: VaultServer, name: string): JoinedSession {
  const plan = planServer(given);
  const { method } = plan.auth;
  const who = "roleId" in plan.auth ? plan.auth.roleId : "role" in plan.auth ? plan.auth.role : "";
  const key = JSON.stringify([plan.address.href, plan.namespace, plan.ca, method, who]);
  const { auth } = given;
  const found = [...all].find((one) => one.key === key && one.auth === auth);
  const session = found?.session ?? openSession(plan, name);
  const shared: Shared = found ?? { key, auth, session, leases: new Map(), users: 0 };
  shared.users += 1;
  all.add(shared);
  let hasLeft = false;
  return {
    session,
    lease(path, leaseName) {
      const id = JSON.stringify(path);
      const lease = shared.leases.get(id) ?? leasedSecret(session, path, leaseName);
      shared.leases.set(id, lease);
      return lease;
    },
    async leave() {
      if (hasLeft) return;
      hasLeft = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      all.delete(shared);
      await Promise.all([...shared.leases.values()].map(async (lease) => await lease.revoke()));
      await session.close();
    },
  };
}
