/**
 * Secrets of HashiCorp Vault and OpenBao, over their HTTP API: no client is needed.
 *
 * @module
 */
import type { SecretSource } from "@agent-keys/core";
import { requireKnown } from "@agent-keys/core/enforce";
import { textAt } from "../json-member.ts";
import { textOf } from "../reference/text-of.ts";
import { secretValue } from "../secret-value.ts";
import { readStored } from "./stored.ts";
import { checkServer, requireNames, SERVER_OPTIONS, type VaultServer } from "./options.ts";
import { vaultSource } from "./source.ts";

export type { VaultAuth, VaultServer } from "./options.ts";

/** A secret of a key-value engine, and where its server is. */
export interface VaultOptions extends VaultServer {
  /** The mount and the path in it: `"kv/github"`. */
  readonly path: string;
  /** The name in the secret, or names from the outside in where it holds objects. */
  readonly field: string | readonly string[];
  /** The version of the engine. Default 2. */
  readonly kv?: 1 | 2 | undefined;
  /** Which version of the secret, in an engine of version 2. Default: the latest. */
  readonly version?: number | undefined;
  /** Where the engine is mounted, when that has more names than the first of `path`. */
  readonly mount?: string | undefined;
}

/**
 * A credential that is stored in a key-value engine, read anew each time. One that the engine is to
 * delete (`delete_version_after`) expires then.
 *
 * @throws TypeError naming the option. Whether the environment has the rest is known at the first read.
 *
 * @example
 * ```ts
 * import { vault } from "@agent-keys/secrets/vault";
 *
 * const secrets = { github: vault({ path: "kv/github", field: "token" }) };
 * ```
 */
export function vault(options: VaultOptions): SecretSource {
  requireKnown("vault: ", options, STORED_OPTIONS);
  checkServer("vault", options);
  const { path, kv = 2, version, namespace, mount } = options;
  const segments = requireNames("vault: path", path);
  const field = requireField("vault", options.field);
  const mounts = mount === undefined ? segments.slice(0, 1) : requireNames("vault: mount", mount);
  if (segments.length <= mounts.length || !mounts.every((name, i) => segments[i] === name)) {
    throw new TypeError("vault: path: must begin with the mount, and go on");
  }
  if (kv !== 1 && kv !== 2) throw new TypeError("vault: kv: must be 1 or 2");
  if (version !== undefined && (kv === 1 || !Number.isSafeInteger(version) || version < 1)) {
    throw new TypeError("vault: version: must be a number from 1 on, of an engine of version 2");
  }
  const parameters = new Map(
    Object.entries({ version, namespace, mount, kv: kv === 2 ? undefined : kv })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)] as const),
  );
  const name = textOf({ scheme: "vault", isRooted: false, segments, field, parameters });
  const place = { mount: mounts, path: segments.slice(mounts.length), kv, version };
  return vaultSource(name, options, async ({ session }, signal) => {
    const { data, expiresAtMs } = await readStored(session, place, name, signal);
    return secretValue(name, textAt(data, field, name), expiresAtMs);
  });
}

const STORED_OPTIONS = [...SERVER_OPTIONS, "path", "field", "kv", "version", "mount"] as const;

/** A credential that an engine makes for whoever asks, and where its server is. */
export interface VaultDynamicOptions extends VaultServer {
  /** Where the engine makes it: `"database/creds/orders"`. */
  readonly path: string;
  /** The name in what it makes: `"password"`. */
  readonly field: string | readonly string[];
}

/**
 * A credential that the server makes for this process alone: of a database, of a cloud. Its lease is
 * renewed whenever it is read while it is in use, replaced by another credential when it can be renewed
 * no longer, and revoked when the source is closed. Sources of the same path share one, so that a user
 * name and its password belong together.
 *
 * @throws TypeError naming the option.
 *
 * @example
 * ```ts
 * import { vaultDynamic } from "@agent-keys/secrets/vault";
 *
 * const secrets = { orders: vaultDynamic({ path: "database/creds/orders", field: "password" }) };
 * ```
 */
export function vaultDynamic(options: VaultDynamicOptions): SecretSource {
  requireKnown("vaultDynamic: ", options, [...SERVER_OPTIONS, "path", "field"]);
  checkServer("vaultDynamic", options);
  const segments = requireNames("vaultDynamic: path", options.path);
  const field = requireField("vaultDynamic", options.field);
  const { namespace } = options;
  const parameters = new Map(namespace === undefined ? [] : [["namespace", namespace] as const]);
  const name = textOf({ scheme: "vault-dynamic", isRooted: false, segments, field, parameters });
  return vaultSource(name, options, async (joined, signal) => {
    const { data, expiresAtMs } = await joined.lease(segments, name).current(signal);
    return secretValue(name, textAt(data, field, name), expiresAtMs);
  });
}

function requireField(who: string, given: string | readonly string[]): readonly string[] {
  const names: readonly unknown[] = Array.isArray(given) ? given : [given];
  const isName = (name: unknown): boolean => typeof name === "string" && name !== "";
  if (names.length > 0 && names.every(isName)) return names as readonly string[];
  throw new TypeError(`${who}: field: must be the name of a field`);
}
