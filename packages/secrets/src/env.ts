import type { SecretSource } from "@agent-keys/core";
import { secretValue } from "./secret-value.ts";
import { unavailable } from "./unavailable.ts";

/**
 * A credential in an environment variable, as it stands there each time it is read. A variable that is not
 * set, or is empty, gives nothing: `secret_unavailable`.
 *
 * @param variable - Its name, such as `"GITHUB_TOKEN"`. Not its value: it is shown in messages.
 * @throws TypeError when that is not the name of a variable.
 *
 * @example
 * ```ts
 * import { env } from "@agent-keys/secrets";
 *
 * const secrets = { github: env("GITHUB_TOKEN") };
 * ```
 */
export function env(variable: string): SecretSource {
  // What was given is not quoted: it may be the credential, as in env(process.env.GITHUB_TOKEN).
  if (typeof variable !== "string" || !isVariableName(variable)) {
    throw new TypeError(NOT_A_NAME);
  }
  if (isValue(variable)) throw new TypeError(NOT_A_NAME);
  const name = `env:${variable}`;
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      signal?.throwIfAborted();
      const value = process.env[variable];
      if (value === undefined) throw unavailable(name, "the variable is not set");
      if (value.trim() === "") throw unavailable(name, "the variable is empty");
      return secretValue(name, value);
    },
    readableBy: async () => "this user, in /proc, and every process that is started from here",
  });
}

const NOT_A_NAME = 'env: must be the name of a variable, such as "GITHUB_TOKEN", and not its value';

/** Many tokens are spelt as a name can be. In capitals it may be one that another variable names. */
function isValue(text: string): boolean {
  const isNamed = process.env[text] !== undefined || /^[A-Z0-9_]+$/.test(text);
  return !isNamed && Object.values(process.env).includes(text);
}

/** Whether a shell would take it for the name of a variable. */
export function isVariableName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text);
}
