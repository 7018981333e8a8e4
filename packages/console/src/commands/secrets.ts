import { ConsoleError } from "../console-error.ts";
import { CONFIG_FILE, loadConfig } from "../load-config.ts";
import { parseFlags } from "../parse-flags.ts";
import { readEnvFile } from "../read-env-file.ts";
import { checkSecret, type CheckedSecret, type NamedSource } from "../check-secret.ts";
import { secretSources, sourceOf } from "../secret-sources.ts";
import { secretLines, secretTable } from "../secret-table.ts";
import type { Terminal } from "../terminal.ts";

/** Checks that secrets can be read. Exit code 1 when one cannot. */
export async function secrets(args: readonly string[], to: Terminal): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    command: "secrets",
    options: OPTIONS,
    allowPositionals: true,
    valueHint: (name) => `the path of a file, as in --${name} ${EXAMPLES[name] ?? CONFIG_FILE}`,
  });
  const [verb, ...references] = positionals;
  if (verb !== "check") {
    throw new ConsoleError("secrets is followed by check", "agent-keys secrets check --help");
  }
  const { config = CONFIG_FILE, "env-file": envFile, json = false } = values;
  if (envFile !== undefined) readEnvFile(envFile, to);
  const named =
    references.length > 0 ? await Promise.all(references.map(given)) : await configured(config);
  const checked = await Promise.all(named.map(checkSecret));
  to.out(json ? secretLines(checked) : secretTable(checked, to));
  return checked.every(resolves) ? 0 : 1;
}

const one = { type: "string" } as const;
const OPTIONS = { config: one, "env-file": one, json: { type: "boolean" } } as const;
const EXAMPLES: Readonly<Record<string, string>> = { "env-file": ".env.broker" };

async function given(reference: string): Promise<NamedSource> {
  return { service: undefined, source: await sourceOf(reference) };
}

async function configured(path: string): Promise<readonly NamedSource[]> {
  const all = await secretSources(path, await loadConfig(path));
  return Object.entries(all).map(([service, source]) => ({ service, source }));
}

function resolves({ why }: CheckedSecret): boolean {
  return why === undefined;
}
