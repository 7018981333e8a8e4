import { singleFlight } from "../single-flight.ts";
import { isOutage, outOfReach, unavailable } from "../unavailable.ts";
import { member, numberIn } from "./member.ts";
import type { VaultSession } from "./session.ts";

/** What was made for whoever holds the lease, and how long it is good for. */
interface Lease {
  readonly id: string;
  readonly data: unknown;
  readonly fromMs: number;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** How long it was when it was made. */
  readonly lifeMs: number;
  readonly isRenewable: boolean;
}

/** One credential that the server makes, renews and takes back. */
export interface LeasedSecret {
  /** What is leased now: renewed when it can be, replaced when its time is nearly over. */
  current(signal?: AbortSignal): Promise<Lease>;
  /** Gives it back. Never rejects. */
  revoke(): Promise<void>;
}

/** How soon after a renewal nobody has it renewed again. */
const PAUSE_MS = 1_000;
const CLOSING_MS = 3_000;

export function leasedSecret(
  session: VaultSession,
  path: readonly string[],
  name: string,
): LeasedSecret {
  let held: Lease | undefined;

  const step = singleFlight(async (abandoned) => {
    const before = held;
    if (before !== undefined && Date.now() < before.expiresAtMs) {
      const same = await renew(session, before, abandoned);
      if (same !== undefined) return (held = same);
    }
    try {
      return (held = await make(session, path, name, abandoned));
    } catch (error) {
      abandoned.throwIfAborted();
      // Another could not be made, but this one is good yet.
      if (before !== undefined && isOutage(error) && Date.now() < before.expiresAtMs) return before;
      throw error;
    }
  });

  return {
    async current(signal) {
      const isNew = held !== undefined && Date.now() < held.fromMs + PAUSE_MS;
      return isNew && held !== undefined && Date.now() < held.expiresAtMs
        ? held
        : await step(signal);
    },
    async revoke() {
      const last = held;
      held = undefined;
      if (last === undefined || last.id === "" || Date.now() >= last.expiresAtMs) return;
      const body = { lease_id: last.id };
      const request = { method: "POST", path: REVOKE, body, what: "revoking the lease" } as const;
      await session.ask(request, AbortSignal.timeout(CLOSING_MS)).catch(() => undefined);
    },
  };
}

const REVOKE = ["sys", "leases", "revoke"];
const RENEW = ["sys", "leases", "renew"];

async function make(
  session: VaultSession,
  path: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<Lease> {
  const fromMs = Date.now();
  const answer = await session.ask({ path, what: "asking for a credential" }, signal);
  const lifeMs = numberIn(answer.json, "lease_duration") * 1_000;
  if (answer.leaseId === "" || lifeMs <= 0) {
    throw unavailable(name, "there is no lease on it; a stored secret is read by vault:");
  }
  const isRenewable = member(answer.json, "renewable") === true;
  const { data, leaseId: id } = answer;
  return { id, data, fromMs, lifeMs, expiresAtMs: fromMs + lifeMs, isRenewable };
}

/** The same credential, for longer; `undefined` when another is needed. */
async function renew(
  session: VaultSession,
  before: Lease,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const fromMs = Date.now();
  const isYoung = fromMs < before.expiresAtMs - before.lifeMs / 2;
  if (!before.isRenewable) return isYoung ? before : undefined;
  const body = { lease_id: before.id, increment: Math.ceil(before.lifeMs / 1_000) };
  try {
    const request = { method: "POST", path: RENEW, body, what: "renewing the lease" } as const;
    const { json } = await session.ask(request, signal);
    const expiresAtMs = fromMs + numberIn(json, "lease_duration") * 1_000;
    // Near its maximum a lease is renewed for less and less.
    if (expiresAtMs - fromMs < before.lifeMs / 2) return undefined;
    return { ...before, fromMs, expiresAtMs };
  } catch (error) {
    signal.throwIfAborted();
    // Somebody revoked it, or it ended: it is worth nothing now.
    if (!isOutage(error)) return undefined;
    if (Date.now() < before.expiresAtMs) return before;
    throw outOfReach("vault", "the lease ended while the server was out of reach");
  }
}
