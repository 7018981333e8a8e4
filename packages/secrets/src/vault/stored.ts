import { unavailable } from "../unavailable.ts";
import { member } from "./member.ts";
import type { VaultSession } from "./session.ts";

/** Where a secret is in a key-value engine. */
export interface StoredAt {
  readonly mount: readonly string[];
  readonly path: readonly string[];
  readonly kv: 1 | 2;
  readonly version: number | undefined;
}

/** A secret that is stored, with all its fields. */
export interface Stored {
  readonly data: unknown;
  readonly expiresAtMs: number | undefined;
}

/** Reads it. Version 2 of the engine wraps what version 1 answers, and tells of deleted ones. */
export async function readStored(
  session: VaultSession,
  { mount, path, kv, version }: StoredAt,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Stored> {
  const what = "reading the secret";
  if (kv === 1) {
    const { data } = await session.ask({ path: [...mount, ...path], what }, signal);
    return { data, expiresAtMs: undefined };
  }
  const query = version === undefined ? {} : { version: String(version) };
  const request = { path: [...mount, "data", ...path], query, what, accepts: [404] };
  const { status, data } = await session.ask(request, signal);
  const metadata = member(data, "metadata");
  const deletion = member(metadata, "deletion_time");
  if (status === 404 && metadata !== undefined) {
    throw unavailable(name, `${what}: that version is deleted (404)`);
  }
  if (status === 404) {
    const hint =
      "there is nothing at that path, or the token may not know of it, or the mount needs kv=1";
    throw unavailable(name, `${what}: ${hint} (404)`);
  }
  const atMs = typeof deletion === "string" && deletion !== "" ? Date.parse(deletion) : Number.NaN;
  return { data: member(data, "data"), expiresAtMs: Number.isNaN(atMs) ? undefined : atMs };
}
