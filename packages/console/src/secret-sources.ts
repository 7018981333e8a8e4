import type { BrokerOptions } from "@agent-keys/broker";
import type { SecretSource } from "@agent-keys/core";
import { ConsoleError } from "./console-error.ts";
import { requireMembers } from "./open-broker.ts";

/**
 * Where the credential of each service is read: what the command line says, else the configuration, else
 * `AGENT_KEYS_SECRET_<SERVICE>`.
 *
 * @param given - References, by service.
 * @throws ConsoleError that names the entry, and points at the character of a reference.
 */
export async function secretSources(
  path: string,
  options: BrokerOptions,
  given: ReadonlyMap<string, string> = new Map(),
): Promise<Readonly<Record<string, SecretSource>>> {
  requireMembers(path, options);
  const names = options.services.map(({ name }) => name);
  const stranger = [...given.keys()].find((name) => !names.includes(name));
  if (stranger !== undefined) {
    const hint = `services are ${names.join(", ")}`;
    throw new ConsoleError(`--secret: there is no service "${stranger}"`, hint);
  }
  const { configuredSecrets } = await import("@agent-keys/secrets");
  const secrets: unknown = options.secrets;
  const written = typeof secrets === "object" && secrets !== null ? secrets : {};
  try {
    return configuredSecrets({ ...written, ...Object.fromEntries(given) }, names);
  } catch (error) {
    throw explain(error, path, given);
  }
}

/**
 * One reference of the command line.
 *
 * @throws ConsoleError that points at the character.
 */
export async function sourceOf(reference: string): Promise<SecretSource> {
  const { secret } = await import("@agent-keys/secrets");
  try {
    return secret(reference);
  } catch (error) {
    throw explain(error, "", new Map());
  }
}

/** Of a reference: what is wrong, the character, and how it is written. */
function explain(error: unknown, path: string, given: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof TypeError)) return error;
  const [sentence = "", ...more] = error.message.split("\n");
  const [, service = ""] = /^secrets\.([\w-]+): /.exec(sentence) ?? [];
  const isGiven = given.has(service);
  const where = isGiven || sentence.startsWith("AGENT_KEYS_") || path === "" ? "" : `${path}: `;
  const said = isGiven ? sentence.replace("secrets.", "--secret ") : sentence;
  const form = more.at(-1)?.trim();
  return new ConsoleError(`${where}${said}`, form ?? asIn(service), more.slice(0, -1));
}

function asIn(service: string): string {
  if (service === "") return "as in env:GITHUB_TOKEN, or vault:kv/github#token";
  const name = /^[a-z]\w*$/.test(service) ? service : JSON.stringify(service);
  const variable = `${service.toUpperCase().replaceAll(/\W/g, "_")}_TOKEN`;
  return `as in secrets: { ${name}: "env:${variable}" }`;
}
