import { inspect } from "node:util";
import type { SecretSource } from "@agent-keys/core";
import { expect } from "vitest";

/** Why a source gives nothing. Nothing that is secret may be said with it, however it is printed. */
export async function refusedBy(
  source: SecretSource,
  hidden: readonly string[] = [],
): Promise<string> {
  const error: unknown = await source.read().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "secret_unavailable", retryable: true });
  const shown = inspect(error, { depth: null, showHidden: true });
  for (const text of ["canary", ...hidden]) expect(shown).not.toContain(text);
  const { message } = (error as { readonly cause: Error }).cause;
  expect(message.startsWith(`${source.name}: `)).toBe(true);
  return message.slice(source.name.length + 2);
}
