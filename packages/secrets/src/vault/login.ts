import { readFile } from "node:fs/promises";
import { kindOf, unavailable } from "../unavailable.ts";
import { member, numberIn } from "./member.ts";
import type { Call, VaultAnswer } from "./call.ts";
import { requireNames, type VaultAuth } from "./options.ts";

/** A token, and how long it is good for. */
export interface VaultToken {
  readonly token: string;
  /** In milliseconds since the epoch. Absent: it does not end. */
  readonly expiresAtMs: number | undefined;
  readonly fromMs: number;
  readonly isRenewable: boolean;
  /** Whether it was made for this process, and is to be revoked when that is done with it. */
  readonly isOwn: boolean;
}

const KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Gets a token: the one that was given, or one for a role. */
export async function logIn(
  auth: VaultAuth,
  call: Call,
  name: string,
  signal: AbortSignal,
): Promise<VaultToken> {
  if (auth.method === "token") {
    const { value: token } = await auth.token.read({ signal });
    return await given(token, call, signal);
  }
  const { mount = auth.method } = auth;
  const path = ["auth", ...requireNames("mount", mount), "login"];
  const body = await proofOf(auth, name, signal);
  const answer = await call({ method: "POST", path, body, what: "logging in" }, signal);
  return made(answer, name);
}

async function proofOf(
  auth: Exclude<VaultAuth, { method: "token" }>,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  switch (auth.method) {
    case "approle": {
      const { value } = await auth.secretId.read({ signal });
      return { role_id: auth.roleId, secret_id: value };
    }
    case "jwt": {
      const { value } = await auth.jwt.read({ signal });
      return { role: auth.role, jwt: value };
    }
    case "kubernetes":
      return { role: auth.role, jwt: await serviceAccount(auth.tokenFile, name) };
  }
}

/** Kubernetes replaces it every hour, behind a symbolic link and open to all who run in the pod. */
async function serviceAccount(path: string = KUBERNETES_TOKEN, name: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw unavailable(name, `the service account's token cannot be read (${kindOf(error)})`);
  }
}

/** How long a token lives that somebody else made. One that may not look at itself is taken as it is. */
async function given(token: string, call: Call, signal: AbortSignal): Promise<VaultToken> {
  const fromMs = Date.now();
  const path = ["auth", "token", "lookup-self"];
  const answer = await call({ path, token, accepts: [403], what: "looking at the token" }, signal);
  const { data } = answer;
  const ttl = numberIn(data, "ttl");
  return {
    token,
    fromMs,
    expiresAtMs: ttl > 0 ? fromMs + ttl * 1_000 : undefined,
    isRenewable: member(data, "renewable") === true,
    isOwn: false,
  };
}

/** The token in the answer to a login or a renewal. */
export function made(answer: VaultAnswer, name: string, before?: VaultToken): VaultToken {
  const fromMs = Date.now();
  const { auth } = answer;
  const token = before?.token ?? member(auth, "client_token");
  if (typeof token !== "string" || token === "")
    throw unavailable(name, "logging in gave no token");
  const seconds = numberIn(auth, "lease_duration");
  return {
    token,
    fromMs,
    expiresAtMs: seconds > 0 ? fromMs + seconds * 1_000 : undefined,
    isRenewable: member(auth, "renewable") === true,
    isOwn: before?.isOwn ?? true,
  };
}
