import { AgentKeyError, type Store } from "@agent-keys/core";
import { peekUse, reserveUse, type UsableGrant } from "@agent-keys/core/enforce";

/**
 * How a request ended: nothing was sent of it, or its whole answer was passed on. Else nobody knows what
 * it did.
 */
type Ending = "unsent" | "answered" | "unknown";

/** A use that was set aside for a request. */
export interface SetAside {
  /** Of which grant. */
  readonly index: number;
  /** Whether the same call, made again, is refused until it is known how this one ended. */
  readonly intent: boolean;
  /**
   * Once: given back only when nothing was sent. What nobody knows the store is not told, and what it
   * cannot be told, or not in time, it does not know. Never rejects.
   */
  settle(ending: Ending): Promise<void>;
}

/**
 * Sets a use aside, of a store that may not answer. One that it sets aside too late is given back:
 * nothing was sent for it.
 *
 * @throws AgentKeyError as `reserveUse`; `store_unavailable` when it takes longer than `timeoutMs`.
 */
export async function setAside(
  usable: readonly UsableGrant[],
  uses: Store["uses"],
  timeoutMs: number,
): Promise<SetAside> {
  const free = usable.find(({ due }) => due.length === 0);
  // As `reserveUse` would find: the store is not asked.
  if (free !== undefined) return uncounted(free);
  const reserving = reserveUse(usable, uses);
  const reserved = await inTime(reserving, timeoutMs);
  if (reserved === undefined) {
    reserving.then(({ reservation }) => reservation.release()).catch(ignore);
    throw unanswered();
  }
  const { index, reservation } = reserved;
  const due = usable.find((one) => one.index === index)?.due ?? [];
  return {
    index,
    intent: due.some(({ kind }) => kind === "intent"),
    async settle(ending) {
      if (ending === "unknown") return;
      const settling = ending === "answered" ? reservation.commit() : reservation.release();
      await inTime(settling.catch(ignore), timeoutMs);
    },
  };
}

/**
 * Whether one of them has a use left, as it is now: nothing is set aside.
 *
 * @throws AgentKeyError as `setAside`.
 */
export async function lookForUse(
  usable: readonly UsableGrant[],
  uses: Store["uses"],
  timeoutMs: number,
): Promise<void> {
  if (usable.some(({ due }) => due.length === 0)) return;
  const looking = peekUse(usable, uses);
  if ((await inTime(looking, timeoutMs)) !== undefined) return;
  looking.catch(ignore);
  throw unanswered();
}

function unanswered(): AgentKeyError {
  return new AgentKeyError("store_unavailable", { detail: "gave no answer in time" });
}

function uncounted({ index }: UsableGrant): SetAside {
  return { index, intent: false, settle: async () => undefined };
}

/** `undefined` when it took longer. */
async function inTime<T>(waiting: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([waiting, late]);
  } finally {
    clearTimeout(timer);
  }
}

function ignore(): void {}
