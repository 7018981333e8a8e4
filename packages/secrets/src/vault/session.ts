import { singleFlight } from "../single-flight.ts";
import { isOutage } from "../unavailable.ts";
import { type Call, callTo, type VaultAnswer, type VaultRequest } from "./call.ts";
import { logIn, made, type VaultToken } from "./login.ts";
import type { VaultPlan } from "./options.ts";

/** Who this process is to one server: a token, which it renews while it is used. */
export interface VaultSession {
  /** Asks with the token. One that is not taken any more is replaced, once. */
  ask(request: VaultRequest, signal?: AbortSignal): Promise<VaultAnswer>;
  /** Revokes the token if it was made here, and with it every lease that it was given. Never rejects. */
  close(): Promise<void>;
}

/** How much of its life a token is used before it is renewed. */
const RENEWING = 0.6;
/** A token that ends so soon might end on the way; at most so much of its life. */
const ENDING_MS = 1_000;
const ENDING = 0.1;
/** How long closing may take: the process is waiting for it, and what is left ends by itself. */
const CLOSING_MS = 3_000;

export function openSession(plan: VaultPlan, name: string): VaultSession {
  const call: Call = callTo(plan, name);
  let current: VaultToken | undefined;

  const obtain = singleFlight(async (abandoned) => {
    const before = current;
    if (before !== undefined && !isOver(before)) {
      const renewed = await renew(before, call, name, abandoned);
      if (renewed !== undefined) return (current = renewed);
    }
    return (current = await logIn(plan.auth, call, name, abandoned));
  });

  const token = async (signal: AbortSignal | undefined): Promise<VaultToken> =>
    current === undefined || isOver(current) || isAgeing(current) ? await obtain(signal) : current;

  return {
    async ask(request, signal) {
      const until = signal ?? new AbortController().signal;
      const used = await token(signal);
      const accepts = [...(request.accepts ?? []), 403];
      const answer = await call({ ...request, token: used.token, accepts }, until);
      if (answer.status !== 403) return answer;
      // The server says the same of a token that it does not know any more and of a missing policy.
      if (current?.token === used.token) current = undefined;
      const another = await token(signal);
      return await call({ ...request, token: another.token }, until);
    },
    async close() {
      const last = current;
      current = undefined;
      if (last?.isOwn !== true || isOver(last)) return;
      const path = ["auth", "token", "revoke-self"];
      const request = {
        method: "POST",
        path,
        token: last.token,
        what: "revoking the token",
      } as const;
      await call(request, AbortSignal.timeout(CLOSING_MS)).catch(() => undefined);
    },
  };
}

/** The same token, for longer; `undefined` when it cannot be had for longer and another is needed. */
async function renew(
  before: VaultToken,
  call: Call,
  name: string,
  signal: AbortSignal,
): Promise<VaultToken | undefined> {
  if (!before.isRenewable) return before.isOwn ? undefined : before;
  const path = ["auth", "token", "renew-self"];
  const request = {
    method: "POST",
    path,
    token: before.token,
    body: {},
    what: "renewing the token",
  };
  try {
    const renewed = made(await call({ ...request, method: "POST" }, signal), name, before);
    // Near its maximum a token is renewed for less and less.
    return before.isOwn && lifeMs(renewed) < lifeMs(before) / 2 ? undefined : renewed;
  } catch (error) {
    signal.throwIfAborted();
    // It is good for a while yet, and the server may be back by then.
    if (isOutage(error) || !before.isOwn) return before;
    return undefined;
  }
}

function lifeMs({ fromMs, expiresAtMs = Infinity }: VaultToken): number {
  return expiresAtMs - fromMs;
}

function isOver(token: VaultToken): boolean {
  const { expiresAtMs = Infinity } = token;
  return Date.now() >= expiresAtMs - Math.min(ENDING_MS, lifeMs(token) * ENDING);
}

function isAgeing(token: VaultToken): boolean {
  return Date.now() >= token.fromMs + lifeMs(token) * RENEWING;
}
