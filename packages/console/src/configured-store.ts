import { userInfo } from "node:os";
import type { SinkInput, Store } from "@agent-keys/core";
import { type AuditLog, openAuditLog, requireStore, systemClock } from "@agent-keys/core/enforce";
import { ConsoleError } from "./console-error.ts";
import { loadConfig } from "./load-config.ts";

/** The store that running brokers share, and where the record of it goes. */
export interface ConfiguredStore extends AsyncDisposable {
  readonly store: Store;
  readonly audit: AuditLog;
  /** Who is at the keyboard, for the record. */
  readonly by: string;
}

const HINT =
  "set store: sqliteStore(path) or redisStore(...) from @agent-keys/stores; an agent's process revokes with keys.revoke()";

/**
 * Opens what a configuration names.
 *
 * @throws ConsoleError when there is no store that outlives a process.
 */
export async function openConfiguredStore(path: string): Promise<ConfiguredStore> {
  const { store, audit } = await loadConfig(path);
  // One that lives in this process alone has nothing to close, and nobody would hear of this.
  if (store?.close === undefined) {
    throw new ConsoleError(`${path} names no store that other processes share`, HINT);
  }
  requireStore(`${path}: store`, store);
  const sinks = Array.isArray(audit) ? (audit as readonly SinkInput[]) : [audit as SinkInput];
  const log = openAuditLog(sinks, systemClock);
  return {
    store,
    audit: log,
    by: userInfo().username,
    async [Symbol.asyncDispose]() {
      await log.flush();
      await store.close?.();
    },
  };
}
