import type { BrokerOptions } from "@agent-keys/broker";
import type { SecretInput } from "@agent-keys/core";
import { secret as secretBy } from "@agent-keys/secrets";
import { printableJson } from "@agent-keys/core/audit";
import { ConsoleError } from "../console-error.ts";
import { CONFIG_FILE, loadConfig } from "../load-config.ts";
import { parseFlags } from "../parse-flags.ts";
import { listedService, type ListedService, serviceText } from "../services-text.ts";
import type { Terminal } from "../terminal.ts";

/** Lists what a configuration's policies can name: services, scopes, routes and parameters. */
export async function services(args: readonly string[], to: Terminal): Promise<number> {
  const { values, positionals } = parseFlags(args, {
    command: "services",
    options: OPTIONS,
    allowPositionals: true,
    valueHint: () => `the path of a file, as in --config ${CONFIG_FILE}`,
  });
  const { config = CONFIG_FILE, explain = false, json = false } = values;
  const found = chosen(listed(await loadConfig(config), config), positionals);
  const { columns } = to;
  const text = json
    ? found.map((service) => `${printableJson(JSON.stringify(service))}\n`).join("")
    : found.map((service) => serviceText(service, { explain, columns })).join("\n");
  to.out(text);
  return 0;
}

const flag = { type: "boolean" } as const;
const OPTIONS = { config: { type: "string" }, explain: flag, json: flag } as const;

function listed(options: Partial<BrokerOptions>, path: string): readonly ListedService[] {
  const { services: all, secrets = {} } = options;
  if (!Array.isArray(all) || all.length === 0) {
    throw new ConsoleError(`${path} has no services`, "services: [github], for one");
  }
  const list: NonNullable<typeof options.services> = all;
  return list.map((service) => listedService(service, placeOf(secrets[service.name])));
}

/** All of them, or those that were named. */
function chosen(all: readonly ListedService[], names: readonly string[]): readonly ListedService[] {
  const known = all.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ConsoleError(`there is no service "${unknown}"`, `services are ${known.join(", ")}`);
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

/** Where a secret is read. A reference that is none is not repeated: it may be the secret. */
function placeOf(secret: SecretInput | undefined): string | undefined {
  if (typeof secret !== "string") return secret?.name;
  try {
    return secretBy(secret).name;
  } catch {
    return "by no reference";
  }
}
