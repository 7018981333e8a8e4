import type { Store } from "@agent-keys/core";

/** Where a process of its own finds the store. */
export type StoreAt =
  | { readonly sqlite: string }
  | { readonly redis: string; readonly journal?: string };

/** Opens it, as a user would. */
export async function openStore(at: StoreAt): Promise<Store> {
  if ("redis" in at) return await untilOpen(at);
  const { sqliteStore } = await import("@agent-keys/stores/sqlite");
  return sqliteStore(at.sqlite);
}

/** Out of reach when it is opened, it is not opened: whoever starts a broker starts it again. */
async function untilOpen({
  redis: url,
  journal,
}: Extract<StoreAt, { redis: string }>): Promise<Store> {
  const { redisStore } = await import("@agent-keys/stores/redis");
  for (let again = 20; ; again -= 1) {
    try {
      return await redisStore({ url, journal });
    } catch (error) {
      if (again === 0) throw error;
    }
  }
}
