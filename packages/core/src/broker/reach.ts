import type { Egress } from "./egress.ts";
import type { Directory } from "./services.ts";

/** How requests under a key travel: to a broker, or to its engine in this process. */
export interface Reach {
  /** The broker's origin, without a slash at the end. */
  readonly origin: string;
  /** Whether anything but `send` finds it there. */
  readonly hasAddress: boolean;
  readonly services: Directory;
  /** Sends to the broker. Follows no redirect. Rejects as `fetch` does. */
  readonly send: (url: URL, init: RequestInit) => Promise<Response>;
  readonly egress: Egress;
  /** Whether the global `fetch` is to take calls under these keys. */
  readonly ambient: boolean;
}

/** A key, as far as sending under it goes. */
export interface KeyInUse {
  readonly token: string;
  readonly scopes: readonly string[];
  /** @throws AgentKeyError `key_expired` or `key_closed`. */
  requireUsable(): void;
  readonly egress: EgressRecord;
}

/** Puts on record what a key's call asked of hosts that no service is for. */
export interface EgressRecord {
  /** @throws AgentKeyError `audit_unavailable`: it must not be sent. */
  allowed(method: string, host: string): void;
  refused(method: string): void;
}
