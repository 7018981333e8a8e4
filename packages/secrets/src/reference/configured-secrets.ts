import type { SecretSource } from "@agent-keys/core";
import { secretInputs, secretVariable } from "@agent-keys/core/enforce";
import { secret } from "./secret.ts";

/**
 * The source of each service's credential: what a configuration says, a source or a reference, and for a
 * service that it leaves out what `AGENT_KEYS_SECRET_<SERVICE>` refers to. Nothing is read yet.
 *
 * @param given - `secrets` of a configuration, by service.
 * @throws TypeError naming the entry or the variable; for a reference it points at the character.
 *
 * @example
 * ```ts
 * import { configuredSecrets } from "@agent-keys/secrets";
 *
 * const sources = configuredSecrets({ github: "env:GITHUB_TOKEN" }, ["github"]);
 * ```
 */
export function configuredSecrets(
  given: unknown,
  services: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, SecretSource>> {
  const own = new Set(Object.keys(given ?? {}));
  const sources = [...secretInputs(given, services, environment)].map(([name, input]) => {
    const option = own.has(name) ? `secrets.${name}` : secretVariable(name);
    return [name, typeof input === "string" ? referred(input, option) : input] as const;
  });
  return Object.freeze(Object.fromEntries(sources));
}

function referred(reference: string, option: string): SecretSource {
  try {
    return secret(reference);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`${option}: ${error.message}`, { cause: error });
  }
}
