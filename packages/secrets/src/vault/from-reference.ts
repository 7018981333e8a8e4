import type { SecretSource } from "@agent-keys/core";
import type { Reference } from "../reference/scheme.ts";
import { vault, vaultDynamic } from "./index.ts";

/** `vault:kv/github#token`. */
export function stored({ segments, field, parameters }: Reference): SecretSource {
  const version = parameters.get("version");
  return vault({
    path: segments.join("/"),
    field,
    namespace: parameters.get("namespace"),
    mount: parameters.get("mount"),
    kv: parameters.get("kv") === "1" ? 1 : 2,
    version: version === undefined ? undefined : Number(version),
  });
}

/** `vault-dynamic:database/creds/orders#password`. */
export function dynamic({ segments, field, parameters }: Reference): SecretSource {
  const namespace = parameters.get("namespace");
  return vaultDynamic({ path: segments.join("/"), field, namespace });
}
