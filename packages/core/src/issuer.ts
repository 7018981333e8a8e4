import type { KeyObject } from "node:crypto";
import type { AuditLog } from "./audit/emitter.ts";
import type { Connection } from "./broker/connection.ts";
import type { Clock } from "./clock.ts";
import type { RunContext } from "./context.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Policy } from "./policy.ts";
import type { Store } from "./store/store.ts";

/** Everything that minting needs and that all views of one `createAgentKeys` share. */
export interface Issuer {
  readonly iss: string;
  readonly audience: string;
  readonly policy: Policy | "allow-all";
  readonly ring: KeyRing;
  readonly store: Store;
  readonly audit: AuditLog;
  /** Keys the digests of arguments and of redacted constraint values. */
  readonly auditKey: KeyObject;
  /** Names whose constraint values are digested on the record. */
  readonly redact: ReadonlySet<string>;
  /** Who enforces a constraint from policy that no argument of a wrapped call carries. */
  readonly unbound: "refuse" | "audience";
  /** The context of calls that nothing nearer gives one. */
  readonly run: RunContext;
  readonly now: Clock;
  /** What keys are used through; `undefined` without a broker and without services. */
  readonly broker: Connection | undefined;
}
