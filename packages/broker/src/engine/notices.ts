import { AgentKeyError, isReserved, type Store } from "@agent-keys/core";
import {
  type AuditLog,
  type Clock,
  LEEWAY_SECONDS,
  NOTICE_MAX_LENGTH,
  type NoticeAct,
  type NoticeClaims,
  readNotice,
} from "@agent-keys/core/enforce";
import type { Flights } from "./flights.ts";
import { notRegistered, type RegisteredIssuer, requireClaimedIssuer } from "./issuers.ts";
import type { Limits } from "./limits.ts";
import { minuteBudget } from "./minute-budget.ts";
import type { RevocationsFile } from "./revocations-file.ts";
import { countStanding } from "./standing.ts";
import { whyInvalid } from "./why-invalid.ts";
import type { Verifier } from "./verifier.ts";

/** The longest body that a notice comes in. */
export const MAX_NOTICE_BODY_BYTES: number = NOTICE_MAX_LENGTH + 1024;

/** What issuers tell the broker. */
export interface Notices {
  /**
   * Takes a signed notice, once, and lets it have its effect: on keys of the issuer that signed it, and
   * no others.
   *
   * @throws Refused `token_invalid` when it is not believed; AgentKeyError `store_unavailable` when a revocation
   * stands, but could not be written down for the next start; `limit_exceeded` when more would stand than
   * the issuer may have, or more was said in a minute: of such a notice nothing has an effect but closed keys, and what revokes all.
   */
  receive(notice: unknown): Promise<void>;
}

/** What a notice has its effect on. */
export interface NoticeParts {
  readonly issuers: ReadonlyMap<string, RegisteredIssuer>;
  readonly audience: () => string;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly verifier: Verifier;
  readonly flights: Flights;
  readonly file: RevocationsFile | undefined;
  readonly limits: Pick<Limits, "revocations" | "closesPerMinute" | "actsPerMinute">;
  readonly now: Clock;
}

export function openNotices(parts: NoticeParts): Notices {
  const { issuers, audience, store, verifier, flights, now } = parts;
  const standing = countStanding(store.keys, parts.limits.revocations);
  const isRoomForClosed = minuteBudget(parts.limits.closesPerMinute);
  const isTimeForActs = minuteBudget(parts.limits.actsPerMinute);
  const seen = new Map<string, number>();
  const remember = (name: string, exp: number): void => {
    seen.set(name, (exp + LEEWAY_SECONDS) * 1000);
  };
  // A restart does not make a notice new: a restore that came before a revocation would undo it.
  for (const { iss, jti, exp } of parts.file?.seen ?? []) remember(noticeId(iss, jti), exp);

  const requireNew = ({ iss, jti, exp }: NoticeClaims): void => {
    const nowMs = now();
    for (const [oldest, dropAtMs] of seen) {
      if (dropAtMs > nowMs) break;
      seen.delete(oldest);
    }
    const name = noticeId(iss, jti);
    if (seen.has(name)) throw new AgentKeyError("token_invalid", { detail: AGAIN });
    remember(name, exp);
  };

  const isRoomFor = (iss: string, revoked: readonly NoticeAct[]): boolean => {
    const counted = revoked.filter((said) => !isEverything(said));
    try {
      return standing.take(
        iss,
        counted.map(({ selector }) => selector),
      );
    } catch {
      // What stands is not known: better too much of it than a key that lives on.
      return true;
    }
  };

  /** Issuers of whose last acts not all could be written down: what they say again may stand only here. */
  const unwritten = new Set<string>();

  /** Said again, it would only be written down again. */
  const stands = (iss: string, { selector }: NoticeAct): boolean => {
    if (unwritten.has(iss)) return false;
    const name = JSON.stringify(selector);
    try {
      const all = store.keys.revocations();
      return all.some((one) => one.iss === iss && JSON.stringify(one.selector) === name);
    } catch {
      return false;
    }
  };

  const believed = async (notice: unknown): Promise<NoticeClaims> => {
    const issuer = issuers.get(requireClaimedIssuer(notice, NOTICE_MAX_LENGTH));
    if (issuer === undefined) throw notRegistered();
    const { iss, findKey, algorithm } = issuer;
    const expected = { findKey, algorithm, issuer: iss, audience: audience(), now };
    const claims = await readNotice(notice, expected);
    requireNew(claims);
    return claims;
  };

  /** Once over all brokers that share a store: sent to another again, it would undo a revocation. */
  const requireFirst = async ({ iss, jti, iat, exp }: NoticeClaims): Promise<void> => {
    if (store.close === undefined) return;
    const once = { kind: "uses", id: noticeId(iss, jti), limit: 1 } as const;
    const [mintedAtMs, expiresAtMs] = [Math.round(iat * 1000), Math.round(exp * 1000)];
    const outcome = await store.uses.reserve([{ ...once, mintedAtMs, expiresAtMs }]);
    if (!isReserved(outcome)) {
      throw whyInvalid(new AgentKeyError("token_invalid", { detail: AGAIN }), audience());
    }
  };

  const restore = async (restoring: readonly NoticeAct[], claims: NoticeClaims) => {
    if (restoring.length === 0) return true;
    await requireFirst(claims);
    const lifted = await applyAll(restoring.map(toAct("restore")), claims, parts);
    standing.lifted(claims.iss);
    return lifted;
  };

  return {
    async receive(notice) {
      const claims = await believed(notice).catch((error: unknown) => {
        throw whyInvalid(error, audience());
      });
      const { iss } = claims;
      const closed = claims.closed ?? [];
      const mayClose = isRoomForClosed(iss, closed.length);
      for (const { id, exp } of mayClose ? closed : []) {
        store.keys.close({ iss, id, expiresAtMs: exp * 1000 });
        verifier.forget(iss, id);
      }
      const revoked = claims.revoked ?? [];
      const restored = claims.restored ?? [];
      const inTime = isTimeForActs(iss, revoked.length + restored.length);
      const hasRoom = inTime && isRoomFor(iss, revoked);
      // To revoke everything is never refused, whatever else there is no room for.
      const everything = revoked.filter(isEverything);
      const due = inTime ? everything : everything.filter((said) => !stands(iss, said));
      const revoking = hasRoom ? revoked : due;
      const restoring = hasRoom ? restored : [];
      const applied = applyAll(revoking.map(toAct("revoke")), claims, parts);
      flights.sweep();
      const lifted = await restore(restoring, claims);
      if (!(await applied) || !lifted) {
        unwritten.add(iss);
        throw new AgentKeyError("store_unavailable", { detail: "not all could be written down" });
      }
      // What was revoked stands; keys that are not closed live until they expire.
      if (!mayClose && revoking.length + restoring.length === 0) {
        throw new AgentKeyError("limit_exceeded", { detail: "too many closed keys in a minute" });
      }
      if (!inTime && everything.length < revoked.length + restored.length) {
        throw new AgentKeyError("limit_exceeded", { detail: "too many acts in a minute" });
      }
      if (inTime && !hasRoom) {
        throw new AgentKeyError("limit_exceeded", {
          detail: "too many revocations of this issuer stand; restore some, or revoke all",
        });
      }
    },
  };
}

const AGAIN = "a notice again";

function noticeId(iss: string, jti: string): string {
  return JSON.stringify(["notice", iss, jti]);
}

interface Act {
  readonly act: "revoke" | "restore";
  readonly said: NoticeAct;
}

function toAct(act: Act["act"]): (said: NoticeAct) => Act {
  return (said) => ({ act, said });
}

/** Of an issuer's own keys. */
function isEverything({ selector }: NoticeAct): boolean {
  return "all" in selector || "issuer" in selector;
}

/**
 * All of them at once, whatever becomes of one: a revocation must not wait for another's line. The effect
 * comes first, before this returns, and stands whether or not it can be written down. Resolves to whether
 * it could.
 */
async function applyAll(
  acts: readonly Act[],
  { iss, jti, exp }: NoticeClaims,
  { store, audit, file, now }: NoticeParts,
): Promise<boolean> {
  const started = acts.map(({ act, said: { selector, reason, by = iss } }) => {
    const why = reason === undefined ? {} : { reason };
    const revocation = { selector, iss, ...why, atMs: now() };
    const inStore = async (): Promise<unknown> =>
      act === "revoke" ? store.keys.revoke(revocation) : store.keys.restore(selector, iss);
    const type = act === "revoke" ? ("key.revoked" as const) : ("key.restored" as const);
    const fact = { type, iss, selector, ...why, by };
    return { line: { act, revocation, notice: { jti, exp } }, act, fact, done: inStore() };
  });
  const [stored, [written]] = await Promise.all([
    Promise.allSettled(started.map(({ done }) => done)),
    Promise.allSettled([file?.append(started.map(({ line }) => line))]),
  ]);
  for (const [at, { act, fact }] of started.entries()) {
    const outcome = stored[at];
    // What is revoked stands here, also when the store cannot be told now. What is lifted nowhere is not.
    const lifted = outcome?.status === "fulfilled" && Number(outcome.value) > 0;
    if (act === "revoke" || lifted) audit.outcome(fact);
  }
  const all = [...stored, written];
  return all.every(({ status }) => status === "fulfilled");
}
