import { say } from "../complain.ts";
import { openConfiguredStore } from "../configured-store.ts";
import { revokingArguments } from "../revoking-arguments.ts";
import { ofWhom, selectorText } from "../revocation-text.ts";
import type { Terminal } from "../terminal.ts";

/** Revokes, in every process that shares the store. */
export async function revoke(args: readonly string[], to: Terminal): Promise<number> {
  const { selector, of: iss, reason, config } = revokingArguments("revoke", args);
  await using shared = await openConfiguredStore(config);
  const why = reason === undefined ? {} : { reason };
  const inStore = async (): Promise<void> =>
    shared.store.keys.revoke({ selector, iss, ...why, atMs: to.now() });
  const stored = inStore();
  const whose = iss === undefined ? {} : { iss };
  // First, for it may stand also when the store cannot say so now: what was handed over is not taken back.
  shared.audit.outcome({ type: "key.revoked", ...whose, selector, ...why, by: shared.by });
  await stored;
  to.out(`revoked ${selectorText(selector)}, ${ofWhom(iss)}\n`);
  say(to, "it stands until: agent-keys restore with the same flags");
  return 0;
}
