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
  await shared.store.keys.revoke({ selector, iss, ...why, atMs: to.now() });
  const whose = iss === undefined ? {} : { iss };
  shared.audit.outcome({ type: "key.revoked", ...whose, selector, ...why, by: shared.by });
  to.out(`revoked ${selectorText(selector)}, ${ofWhom(iss)}\n`);
  say(to, "it stands until: agent-keys restore with the same flags");
  return 0;
}
