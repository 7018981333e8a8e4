import { AgentKeyError, type Store } from "@agent-keys/core";
import {
  type AuditLog,
  claimedIssuer,
  type Clock,
  LEEWAY_SECONDS,
  NOTICE_MAX_LENGTH,
  type NoticeAct,
  type NoticeClaims,
  readNotice,
} from "@agent-keys/core/enforce";
import type { Flights } from "./flights.ts";
import type { RegisteredIssuer } from "./issuers.ts";
import type { RevocationsFile } from "./revocations-file.ts";
import type { Verifier } from "./verifier.ts";

/** The longest body that a notice comes in. */
export const MAX_NOTICE_BODY_BYTES: number = NOTICE_MAX_LENGTH + 1024;

/** What issuers tell the broker. */
export interface Notices {
  /**
   * Takes a signed notice, once, and lets it have its effect: on keys of the issuer that signed it, and
   * no others.
   *
   * @throws AgentKeyError `token_invalid` when it is not believed; `store_unavailable` when a revocation
   * stands, but could not be written down for the next start.
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
  readonly now: Clock;
}

export function openNotices(parts: NoticeParts): Notices {
  const { issuers, audience, store, verifier, flights, now } = parts;
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
    if (seen.has(name)) throw new AgentKeyError("token_invalid", { detail: "a notice again" });
    remember(name, exp);
  };

  return {
    async receive(notice) {
      const issuer = issuers.get(claimedIssuer(notice, NOTICE_MAX_LENGTH) ?? "");
      if (issuer === undefined) {
        throw new AgentKeyError("token_invalid", { detail: "not of a registered issuer" });
      }
      const { iss, findKey, algorithm } = issuer;
      const expected = { findKey, algorithm, issuer: iss, audience: audience(), now };
      const claims = await readNotice(notice, expected);
      requireNew(claims);
      for (const { id, exp } of claims.closed ?? []) {
        store.keys.close({ iss, id, expiresAtMs: exp * 1000 });
        verifier.forget(iss, id);
      }
      // All of them, whatever becomes of one: a revocation must not wait for another's line.
      const acts = [
        ...(claims.revoked ?? []).map((act) => () => apply("revoke", claims, act, parts)),
        ...(claims.restored ?? []).map((act) => () => apply("restore", claims, act, parts)),
      ];
      const ends = acts.map(attempt);
      // All have had their effect here, before a shared store has any of them.
      flights.sweep();
      const failed = (await Promise.all(ends)).filter((failure) => failure !== undefined);
      if (failed.length > 0) {
        throw new AgentKeyError("store_unavailable", { detail: "not all could be written down" });
      }
    },
  };
}

function noticeId(iss: string, jti: string): string {
  return JSON.stringify([iss, jti]);
}

async function attempt(act: () => unknown): Promise<Error | undefined> {
  try {
    await act();
    return undefined;
  } catch (failure) {
    return failure instanceof Error ? failure : new Error("failed");
  }
}

/** The effect first: it stands whether or not it can be written down. */
async function apply(
  act: "revoke" | "restore",
  { iss, jti, exp }: NoticeClaims,
  { selector, reason, by = iss }: NoticeAct,
  { store, audit, file, now }: NoticeParts,
): Promise<void> {
  const why = reason === undefined ? {} : { reason };
  const revocation = { selector, iss, ...why, atMs: now() };
  const inStore = attempt(() =>
    act === "revoke" ? store.keys.revoke(revocation) : store.keys.restore(selector, iss),
  );
  file?.append({ act, revocation, notice: { jti, exp } });
  const failure = await inStore;
  if (failure !== undefined) throw failure;
  const type = act === "revoke" ? "key.revoked" : "key.restored";
  audit.outcome({ type, iss, selector, ...why, by });
}
