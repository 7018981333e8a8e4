import { ConsoleError } from "../console-error.ts";
import { openConfiguredStore } from "../configured-store.ts";
import { revokingArguments } from "../revoking-arguments.ts";
import { ofWhom, selectorText } from "../revocation-text.ts";
import type { Terminal } from "../terminal.ts";

/** Lifts what was revoked with the same selector, of the same issuer or of everybody. */
export async function restore(args: readonly string[], to: Terminal): Promise<number> {
  const { selector, of: iss, reason, config } = revokingArguments("restore", args);
  await using shared = await openConfiguredStore(config);
  const lifted = await shared.store.keys.restore(selector, iss);
  if (lifted === 0) {
    const what = `${selectorText(selector)}, ${ofWhom(iss)}, is not revoked`;
    throw new ConsoleError(what, "agent-keys revocations lists what stands, and of whom (--of)");
  }
  const why = reason === undefined ? {} : { reason };
  const whose = iss === undefined ? {} : { iss };
  shared.audit.outcome({ type: "key.restored", ...whose, selector, ...why, by: shared.by });
  to.out(`restored ${selectorText(selector)}, ${ofWhom(iss)}\n`);
  return 0;
}
