import type { Store } from "@agent-keys/core";

/** Where a process of its own finds the store. */
export type StoreAt = { readonly sqlite: string };

/** Opens it, as a user would. */
export async function openStore(at: StoreAt): Promise<Store> {
  const { sqliteStore } = await import("@agent-keys/stores/sqlite");
  return sqliteStore(at.sqlite);
}
