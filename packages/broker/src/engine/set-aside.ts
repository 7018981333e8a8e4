import { AgentKeyError, type Store } from "@agent-keys/core";
import { type ReservedUse, reserveUse, type UsableGrant } from "@agent-keys/core/enforce";

/** A use that was set aside for a request. */
export interface SetAside {
  /** Of which grant. */
  readonly index: number;
  /**
   * Once, when it is known whether anything was sent: given back only when nothing was. What the store
   * cannot be told, or not in time, stays spent. Never rejects.
   */
  settle(sent: boolean): Promise<void>;
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
  const reserving = reserveUse(usable, uses);
  // The store is not asked, and a timer would cost more than the answer.
  if (usable.some(({ due }) => due.length === 0)) return uncounted(await reserving);
  const reserved = await inTime(reserving, timeoutMs);
  if (reserved === undefined) {
    reserving.then(({ reservation }) => reservation.release()).catch(ignore);
    throw new AgentKeyError("store_unavailable", { detail: "gave no answer in time" });
  }
  const { index, reservation } = reserved;
  return {
    index,
    async settle(sent) {
      const settling = sent ? reservation.commit() : reservation.release();
      await inTime(settling.catch(ignore), timeoutMs);
    },
  };
}

function uncounted({ index }: ReservedUse): SetAside {
  return { index, settle: async () => undefined };
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
