import type { Store } from "@agent-keys/core";

/** Where a process of its own finds the store. */
export type StoreAt =
  | { readonly sqlite: string }
  | { readonly redis: string; readonly journal?: string };

/** Opens it, as a user would. */
export async function openStore(at: StoreAt): Promise<Store> {
  if ("redis" in at) {
    const { redisStore } = await import("@agent-keys/stores/redis");
    return redisStore({ url: at.redis, journal: at.journal });
  }
  const { sqliteStore } = await import("@agent-keys/stores/sqlite");
  return sqliteStore(at.sqlite);
}
