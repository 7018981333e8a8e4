import type { AgentKey } from "../agent-key.ts";
import type { AgentKeys } from "../agent-keys.ts";
import { outsideCalls } from "../context.ts";
import { AgentKeyError } from "../errors.ts";
import { internalsOf } from "../internals.ts";
import type { GrantInput } from "../mint.ts";
import { usableToken } from "./usable-key.ts";

/** A key for what belongs to no call. It is minted when it is first needed, and again in time. */
export interface SessionKey {
  /**
   * The token of a key that will live through the request it is for.
   *
   * @throws AgentKeyError when the mint is refused; `key_closed` after `close`.
   */
  token(): string;
  /** Hands out another key from now on, because a server refused the present one. */
  renew(): void;
  /** Ends every key. */
  close(): void;
}

/** A key with less life than this, or half its own if that is less, is not handed out again. */
const ENOUGH_LEFT_MS = 2000;

/** Makes the keeper of one session's keys. Mints nothing yet. */
export function sessionKey(keys: AgentKeys, scope: GrantInput): SessionKey {
  const { issuer } = internalsOf(keys);
  // A key that was replaced stays open to its expiry: requests that carry it may be on their way.
  const open = new Set<AgentKey>();
  let present: { readonly key: AgentKey; readonly goodUntilMs: number } | undefined;
  let closed = false;

  const mint = (): string => {
    // Not in the run that happens to ask first: it is neither that run's nor that user's key.
    const key = outsideCalls(() => keys.mint(scope));
    const expiresAtMs = key.expiresAt.getTime();
    const lifeMs = expiresAtMs - issuer.now();
    present = { key, goodUntilMs: expiresAtMs - Math.min(ENOUGH_LEFT_MS, lifeMs / 2) };
    open.add(key);
    // Running out is a session key's ordinary end, so it closes as `ok` before it is `expired`.
    setTimeout(() => end(key), lifeMs).unref?.();
    return key.token;
  };
  const end = (key: AgentKey): void => {
    open.delete(key);
    key.close();
  };

  return {
    token() {
      if (closed) throw new AgentKeyError("key_closed", { detail: "the provider was disposed of" });
      if (present === undefined || issuer.now() >= present.goodUntilMs) return mint();
      try {
        return usableToken(present.key, issuer);
      } catch (error) {
        // Revoked, say. Whether another may be minted is for the mint to decide, and to record.
        if (!(error instanceof AgentKeyError) || error.retryable) throw error;
        present.key.close("error");
        return mint();
      }
    },
    renew() {
      // Left open: it may have been refused for one request's sake, with others on their way.
      present = undefined;
    },
    close() {
      closed = true;
      for (const key of open) end(key);
    },
  };
}
