import { readFileSync } from "node:fs";
import type { SecretSource } from "@agent-keys/core";
import { requireKnown } from "@agent-keys/core/enforce";
import { env } from "../env.ts";
import { addressOf } from "../http/address.ts";

/** How to be let in. What is secret about it comes from a source, and is read when it is needed. */
export type VaultAuth =
  | { readonly method: "token"; readonly token: SecretSource }
  | {
      readonly method: "approle";
      readonly roleId: string;
      readonly secretId: SecretSource;
      /** Where the method is mounted. Default `"approle"`. */
      readonly mount?: string | undefined;
    }
  | {
      readonly method: "kubernetes";
      readonly role: string;
      /** The service account's token. Default: the file that Kubernetes mounts into every pod. */
      readonly tokenFile?: string | undefined;
      /** Default `"kubernetes"`. */
      readonly mount?: string | undefined;
    }
  | {
      readonly method: "jwt";
      readonly role: string;
      readonly jwt: SecretSource;
      /** Default `"jwt"`. */
      readonly mount?: string | undefined;
    };

/** Which server, and how to be let in. What is left out comes from the environment, with the first read. */
export interface VaultServer {
  /** https, or http on loopback. Default `BAO_ADDR`, else `VAULT_ADDR`. */
  readonly address?: string | undefined;
  /** Default `BAO_NAMESPACE`, else `VAULT_NAMESPACE`, else none. */
  readonly namespace?: string | undefined;
  /**
   * Default, whichever is there first: `BAO_TOKEN` or `VAULT_TOKEN`; `VAULT_ROLE_ID` and `VAULT_SECRET_ID`
   * (AppRole); `VAULT_KUBERNETES_ROLE`; `VAULT_JWT_ROLE` and `VAULT_JWT`.
   */
  readonly auth?: VaultAuth | undefined;
  /** The only certificate authorities that are believed, in PEM. Default: the file `VAULT_CACERT` names. */
  readonly ca?: string | undefined;
}

/** The same, whole. */
export interface VaultPlan {
  readonly address: URL;
  readonly namespace: string | undefined;
  readonly auth: VaultAuth;
  readonly ca: string | undefined;
}

export const SERVER_OPTIONS: readonly (keyof VaultServer)[] = [
  "address",
  "namespace",
  "auth",
  "ca",
];

/**
 * Looks at what was given, before anything is read.
 *
 * @throws TypeError naming the option.
 */
export function checkServer(who: string, { address, namespace, auth, ca }: VaultServer): void {
  if (address !== undefined) addressOf(address, `${who}: address`);
  if (namespace !== undefined) requireNames(`${who}: namespace`, namespace);
  if (ca !== undefined && !(typeof ca === "string" && ca.includes("BEGIN CERTIFICATE"))) {
    throw new TypeError(`${who}: ca: must be certificates in PEM`);
  }
  if (auth !== undefined) checkAuth(`${who}: auth`, auth);
}

/** @throws TypeError for what is not names between slashes. It is not quoted. */
export function requireNames(option: string, text: unknown): readonly string[] {
  const names = typeof text === "string" ? text.replace(/^\/|\/$/g, "").split("/") : [];
  const isName = (name: string): boolean => /^[^\p{Cc}]+$/u.test(name) && !/^\.\.?$/.test(name);
  if (names.length > 0 && names.every(isName)) return names;
  throw new TypeError(`${option}: must be names between slashes, such as kv/github`);
}

const AUTH_OPTIONS = {
  token: ["method", "token"],
  approle: ["method", "roleId", "secretId", "mount"],
  kubernetes: ["method", "role", "tokenFile", "mount"],
  jwt: ["method", "role", "jwt", "mount"],
} as const;

function checkAuth(option: string, auth: VaultAuth): void {
  const { method } = auth;
  if (!Object.hasOwn(AUTH_OPTIONS, method)) {
    const known = Object.keys(AUTH_OPTIONS).join(", ");
    throw new TypeError(`${option}.method: must be one of ${known}`);
  }
  requireKnown(`${option}.`, auth, AUTH_OPTIONS[method]);
  const mount = "mount" in auth ? auth.mount : undefined;
  if (mount !== undefined) requireNames(`${option}.mount`, mount);
  const given = auth as unknown as Readonly<Record<string, unknown>>;
  const source = SOURCE_OF[method];
  if (source !== undefined && !isSource(given[source])) {
    throw new TypeError(`${option}.${source}: must be a source, such as env("VAULT_TOKEN")`);
  }
  const text = NAME_OF[method];
  if (text !== undefined && (typeof given[text] !== "string" || given[text] === "")) {
    throw new TypeError(`${option}.${text}: must be a name`);
  }
}

const SOURCE_OF = {
  token: "token",
  approle: "secretId",
  jwt: "jwt",
  kubernetes: undefined,
} as const;
const NAME_OF = { token: undefined, approle: "roleId", jwt: "role", kubernetes: "role" } as const;

function isSource(value: unknown): boolean {
  const { read } = (value ?? {}) as { readonly read?: unknown };
  return typeof read === "function";
}

/**
 * What was given, and for the rest what the environment says now.
 *
 * @throws TypeError when that is not enough, or wrong.
 */
export function planServer(
  given: VaultServer,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): VaultPlan {
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== "");
  const address = given.address ?? first("BAO_ADDR", "VAULT_ADDR");
  if (address === undefined) throw new TypeError("there is no address; set VAULT_ADDR");
  const namespace = given.namespace ?? first("BAO_NAMESPACE", "VAULT_NAMESPACE");
  if (namespace !== undefined) requireNames("VAULT_NAMESPACE", namespace);
  return {
    address: addressOf(address, "VAULT_ADDR"),
    namespace,
    auth: given.auth ?? authFrom(first),
    ca: given.ca ?? certificatesIn(first("BAO_CACERT", "VAULT_CACERT")),
  };
}

function authFrom(first: (...names: readonly string[]) => string | undefined): VaultAuth {
  for (const name of ["BAO_TOKEN", "VAULT_TOKEN"]) {
    if (first(name) !== undefined) return { method: "token", token: env(name) };
  }
  const roleId = first("VAULT_ROLE_ID");
  if (roleId !== undefined) return { method: "approle", roleId, secretId: env("VAULT_SECRET_ID") };
  const kubernetes = first("VAULT_KUBERNETES_ROLE");
  if (kubernetes !== undefined) return { method: "kubernetes", role: kubernetes };
  const role = first("VAULT_JWT_ROLE");
  if (role !== undefined) return { method: "jwt", role, jwt: env("VAULT_JWT") };
  throw new TypeError(
    "there is nothing to log in with; set VAULT_TOKEN, or VAULT_ROLE_ID and so on",
  );
}

function certificatesIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new TypeError("VAULT_CACERT: names a file that cannot be read");
  }
}
