import type { Clock } from "../clock.ts";
import { AgentKeyError } from "../errors.ts";
import type { KeyRing } from "../key-ring.ts";
import { LEEWAY_SECONDS } from "../token/claims.ts";
import { beforeExit, notBeforeExit } from "./before-exit.ts";
import {
  type ClosedKey,
  type NoticeAct,
  NOTICE_MAX_ACTS,
  NOTICE_MAX_CLOSED,
  type NoticeNews,
  writeNotice,
} from "./notice.ts";
import { brokerFetch, failureCode } from "./own-fetch.ts";
import { codeIn, explainRefusal } from "./refusal.ts";

/** Tells a broker of closed keys and of revocations. */
export interface NoticeQueue {
  /**
   * Never throws, never waits: told at most 20 ms later, and again until told or expired; before a
   * process ends by itself once more, for half a second.
   */
  closed(key: ClosedKey): void;
  /**
   * Resolves when the broker has taken it.
   *
   * @throws AgentKeyError (as a rejection) `store_unavailable` when it could not be told now. What was
   * revoked is told as soon as that is possible. What was restored never is: told later, it would undo
   * what was revoked since, here or by another.
   */
  told(kind: "revoked" | "restored", act: NoticeAct): Promise<void>;
  /**
   * Tells now what is left to tell, trying once.
   *
   * @throws AgentKeyError (as a rejection) `store_unavailable` when a revocation is left.
   */
  flush(): Promise<void>;
}

/** Where, from whom, and signed with what. */
export interface NoticeRoute {
  readonly url: URL;
  readonly iss: string;
  readonly audience: string;
  readonly ring: KeyRing;
  readonly now: Clock;
}

const BATCH_MS = 20;
/** Where somebody waits for it. */
const TIMEOUT_MS = 5_000;
/** Where nobody does: for so long a broker that does not answer may keep a process alive. */
const UNASKED_MS = 500;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 15_000;
/** More closed keys than this are not remembered: they expire by themselves. */
const MAX_CLOSED = 20_000;
const MAX_ACTS = 10_000;
/** Notes may be long, and a notice may not. */
const MAX_ACTS_LENGTH = 65_536;

interface PendingAct {
  /** Later ones have higher numbers. */
  readonly number: number;
  readonly kind: "revoked" | "restored";
  readonly act: NoticeAct;
  readonly done: (failure?: AgentKeyError) => void;
}

/** Opens a queue. It keeps no process alive, but while a request is under way. */
export function openNoticeQueue(route: NoticeRoute): NoticeQueue {
  const closed = new Map<string, number>();
  const acts: PendingAct[] = [];
  let numbers = 0;
  let sending: Promise<boolean> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let retryMs = 0;
  /** Whether one more try before the process ends would only keep it from ending. */
  let inVain = false;

  const wake = (afterMs: number): void => {
    if (inVain) notBeforeExit(lastTry);
    else beforeExit(lastTry);
    timer ??= setTimeout(() => {
      timer = undefined;
      void send(UNASKED_MS);
    }, afterMs);
    // Timers may be numbers, as in a Worker, where none keeps anything alive.
    timer.unref?.();
  };

  const lastTry = (): void => {
    void send(UNASKED_MS).then((told) => {
      if (told) return;
      inVain = true;
      notBeforeExit(lastTry);
    });
  };

  /** One notice at a time: acts must arrive in their order. Says whether the broker took it. */
  const send = (timeoutMs: number): Promise<boolean> => {
    sending ??= sendNext(timeoutMs).finally(() => {
      sending = undefined;
      if (closed.size > 0 || acts.length > 0) wake(retryMs === 0 ? BATCH_MS : retryMs);
      else notBeforeExit(lastTry);
    });
    return sending;
  };

  const sendNext = async (timeoutMs: number): Promise<boolean> => {
    clearTimeout(timer);
    timer = undefined;
    dropExpired(closed, route.now);
    const keys = [...closed].slice(0, NOTICE_MAX_CLOSED).map(([id, exp]) => ({ id, exp }));
    const batch = firstActs(acts);
    if (keys.length === 0 && batch.length === 0) return true;
    const signal = AbortSignal.timeout(timeoutMs);
    const { failure, isFull } = await post(route, newsOf(keys, batch), signal);
    if (failure !== undefined) {
      if (isFull) putBehind(acts, batch.length, failure);
      // Those behind them too: they could not be told either.
      else failAll(acts, failure);
      // Nobody is told to wait for what was not tried yet, and may make room.
      const isNext = acts.some(({ kind }) => kind === "restored");
      retryMs = isNext ? 0 : Math.min(LAST_RETRY_MS, retryMs * 2 || FIRST_RETRY_MS);
      inVain = signal.aborted;
      return false;
    }
    retryMs = 0;
    inVain = false;
    for (const { id } of keys) closed.delete(id);
    acts.splice(0, batch.length);
    for (const one of batch) {
      if (one.kind === "restored") dropBefore(acts, one);
      one.done();
    }
    return true;
  };

  return {
    closed({ id, exp }) {
      if (closed.size >= MAX_CLOSED) return;
      closed.set(id, exp);
      inVain = false;
      wake(BATCH_MS);
    },
    told: (kind, act) =>
      new Promise((resolve, reject) => {
        if (acts.length >= MAX_ACTS) {
          reject(unreached("too much is left to tell"));
          return;
        }
        const done = (failure?: AgentKeyError): void => {
          if (failure === undefined) resolve();
          else reject(failure);
        };
        numbers += 1;
        acts.push({ number: numbers, kind, act, done });
        inVain = false;
        void sendNow();
      }),
    flush: async () => {
      while (closed.size > 0 || acts.length > 0) if (!(await sendNow())) break;
      if (acts.length > 0) throw unreached("revocations are left to tell");
    },
  };

  /** Not before what is under way, and not only after a pause. */
  async function sendNow(): Promise<boolean> {
    await sending;
    return await send(TIMEOUT_MS);
  }
}

function dropExpired(closed: Map<string, number>, now: Clock): void {
  let seconds: number;
  try {
    seconds = now() / 1000;
  } catch {
    return;
  }
  for (const [id, exp] of closed) if (exp + LEEWAY_SECONDS < seconds) closed.delete(id);
}

/** As many from the front as are of one kind, and fit: in one notice, kinds have no order. */
function firstActs(acts: readonly PendingAct[]): readonly PendingAct[] {
  const batch: PendingAct[] = [];
  let length = 0;
  for (const pending of acts) {
    length += JSON.stringify(pending.act).length;
    const fits = batch.length === 0 || length <= MAX_ACTS_LENGTH;
    const alike = pending.kind === acts[0]?.kind;
    if (!fits || !alike || batch.length === NOTICE_MAX_ACTS) break;
    batch.push(pending);
  }
  return batch;
}

/** None could be told. What was revoked is left, in its order. */
function failAll(acts: PendingAct[], failure: AgentKeyError): void {
  const all = acts.splice(0);
  acts.push(...all.filter(isRevoked));
  for (const { done } of all) done(failure);
}

/**
 * What there is no room for waits behind the rest, which may make room. Where the same is revoked again
 * there, that is the last word.
 */
function putBehind(acts: PendingAct[], count: number, failure: AgentKeyError): void {
  const refused = acts.splice(0, count);
  const behind = acts.filter(isRevoked);
  const later = new Set(behind.map(selectorOf));
  acts.push(...refused.filter((one) => isRevoked(one) && !later.has(selectorOf(one))));
  for (const { done } of [...refused, ...behind]) done(failure);
}

/** What was revoked before it, and had to wait behind it, is done with: it would stand against the last word. */
function dropBefore(acts: PendingAct[], restored: PendingAct): void {
  const isOver = (one: PendingAct): boolean =>
    one.number < restored.number && selectorOf(one) === selectorOf(restored);
  acts.splice(0, Infinity, ...acts.filter((one) => !isOver(one)));
}

function isRevoked({ kind }: PendingAct): boolean {
  return kind === "revoked";
}

function selectorOf({ act }: PendingAct): string {
  return JSON.stringify(act.selector);
}

function newsOf(closed: readonly ClosedKey[], batch: readonly PendingAct[]): NoticeNews {
  const [first] = batch;
  return {
    ...(closed.length === 0 ? {} : { closed }),
    ...(first === undefined ? {} : { [first.kind]: batch.map(({ act }) => act) }),
  };
}

/** What became of a notice. `isFull`: the broker has no room for what it says. */
interface Posted {
  readonly failure?: AgentKeyError;
  readonly isFull?: boolean;
}

async function post(route: NoticeRoute, news: NoticeNews, signal: AbortSignal): Promise<Posted> {
  try {
    // A connection that was kept may belong to a broker that is gone; a second one is new.
    const { response, notice } = await postOnce(route, news, signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return postOnce(route, news, signal);
    });
    if (response.ok) return {};
    const isFull = codeIn(response) === "limit_exceeded";
    return { failure: unreached(explainRefusal(response, route.url, notice)), isFull };
  } catch (error) {
    return { failure: unreached(`the broker cannot be told: ${failureCode(error)}`) };
  }
}

/** Signed anew each time: a broker takes a notice once. */
async function postOnce(
  route: NoticeRoute,
  news: NoticeNews,
  signal: AbortSignal,
): Promise<{ readonly response: Response; readonly notice: string }> {
  const notice = writeNotice(news, { ...route, signer: route.ring.current() });
  const response = await brokerFetch(route.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ notice }),
    redirect: "manual",
    signal,
  });
  await response.body?.cancel();
  return { response, notice };
}

function unreached(detail: string): AgentKeyError {
  return new AgentKeyError("store_unavailable", { detail });
}
