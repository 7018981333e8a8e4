import { printableJson } from "@agent-keys/core/audit";
import { openConfiguredStore } from "../configured-store.ts";
import { CONFIG_FILE } from "../load-config.ts";
import { parseFlags } from "../parse-flags.ts";
import { revocationLine } from "../revocation-text.ts";
import { say } from "../complain.ts";
import type { Terminal } from "../terminal.ts";

const OPTIONS = { config: { type: "string" }, json: { type: "boolean" } } as const;

/** Lists the revocations that stand, the oldest first. */
export async function revocations(args: readonly string[], to: Terminal): Promise<number> {
  const { values } = parseFlags(args, {
    command: "revocations",
    options: OPTIONS,
    valueHint: () => `the path of a file, as in --config ${CONFIG_FILE}`,
  });
  const { config = CONFIG_FILE, json = false } = values;
  await using shared = await openConfiguredStore(config);
  const standing = shared.store.keys.revocations().toSorted((a, b) => a.atMs - b.atMs);
  for (const revocation of standing) {
    to.out(`${json ? printableJson(JSON.stringify(revocation)) : revocationLine(revocation)}\n`);
  }
  if (standing.length === 0 && !json) say(to, "nothing is revoked");
  return 0;
}
