import { AgentKeyError, type SecretSource } from "@agent-keys/core";
import { kindOf, unavailable } from "../unavailable.ts";
import { parseReference } from "./parse-reference.ts";
import type { Reference, Scheme } from "./scheme.ts";
import { SCHEMES } from "./schemes.ts";
import { textOf } from "./text-of.ts";

/**
 * The credential that a reference names: `"env:GITHUB_TOKEN"`, `"file:/run/secrets/github"`. The grammar,
 * and every scheme, are in the README of this package. What reads it is imported with the first read.
 *
 * @throws SecretReferenceError, a TypeError, when it is none. The message points at the character.
 *
 * @example
 * ```ts
 * import { secret } from "@agent-keys/secrets";
 *
 * const secrets = { github: secret("file:/run/secrets/tokens.json#github") };
 * ```
 */
export function secret(reference: string): SecretSource {
  const parsed = parseReference(reference);
  const name = textOf(parsed);
  let opening: Promise<SecretSource> | undefined;
  const open = async (): Promise<SecretSource> => {
    opening ??= openBy(SCHEMES[parsed.scheme], parsed, name);
    try {
      return await opening;
    } catch (error) {
      // The next read may find what was missing.
      opening = undefined;
      throw error;
    }
  };
  return Object.freeze({
    name,
    async read(options: Waiting = {}) {
      options.signal?.throwIfAborted();
      return await (await open()).read(options);
    },
    async readableBy(options?: Waiting) {
      return await (await open()).readableBy?.(options);
    },
    async close() {
      // What was never opened has nothing to give back.
      const opened = await opening?.catch(() => undefined);
      await opened?.close?.();
    },
  });
}

type Waiting = Parameters<SecretSource["read"]>[0];

async function openBy(
  scheme: Scheme | undefined,
  reference: Reference,
  name: string,
): Promise<SecretSource> {
  if (scheme === undefined) throw unavailable(name, "has no scheme");
  try {
    return await scheme.open(reference);
  } catch (error) {
    if (error instanceof AgentKeyError) throw error;
    // A provider's TypeErrors are about options, and are written in this package.
    const why = error instanceof TypeError ? error.message : `cannot be opened (${kindOf(error)})`;
    throw unavailable(name, why);
  }
}
