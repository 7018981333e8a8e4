import type { Reference, Scheme } from "./scheme.ts";

/** Of HashiCorp Vault and OpenBao. Which server that is, no reference says. */
export const VAULT_SCHEMES: Readonly<Record<string, Scheme>> = {
  vault: {
    form: "vault:<mount>/<path>#<field>[?version=3&namespace=…&kv=1&mount=…]",
    segments: [2, 64],
    field: "required",
    parameters: ["version", "namespace", "kv", "mount"],
    problem: vaultProblem,
    open: async (reference) => (await import("../vault/from-reference.ts")).stored(reference),
  },
  "vault-dynamic": {
    form: "vault-dynamic:<mount>/creds/<role>#<field>[?namespace=…]",
    segments: [2, 64],
    field: "required",
    parameters: ["namespace"],
    problem: vaultProblem,
    open: async (reference) => (await import("../vault/from-reference.ts")).dynamic(reference),
  },
};

/** What the vault's own options would refuse, before anything is read. */
function vaultProblem({ segments, parameters }: Reference): string | undefined {
  if (segments.some((segment) => segment.includes("/"))) return "a name has no slash";
  const { version = "1", kv = "2" } = Object.fromEntries(parameters);
  if (!/^[1-9]\d{0,8}$/.test(version)) return "version is a number from 1 on";
  if (kv !== "1" && kv !== "2") return "kv is 1 or 2";
  if (kv === "1" && parameters.has("version")) return "in kv=1 a secret has no versions";
  const mount = parameters.get("mount")?.split("/");
  if (mount === undefined) return undefined;
  const isInIt = mount.length < segments.length && mount.every((name, i) => segments[i] === name);
  return isInIt ? undefined : "the path begins with the mount, and goes on";
}
