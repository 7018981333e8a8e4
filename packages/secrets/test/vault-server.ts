/*
 * A server that answers as the HTTP API of OpenBao and HashiCorp Vault does, for what the sources use. It
 * is built from OpenBao's API documentation, version 2.5 (website/content/api-docs of openbao/openbao):
 * index (errors and statuses), secret/kv/kv-v1 and kv-v2, secret/databases, system/leases, auth/token,
 * auth/approle, auth/kubernetes and auth/jwt. Vault documents the same endpoints and X-Vault-Namespace.
 */
import { randomUUID } from "node:crypto";
import { type Answer, type Asked, type LocalServer, localServer } from "./local-server.ts";

/** A token that the server knows. */
export interface KnownToken {
  readonly name: string;
  readonly policies: readonly string[];
  expiresAtMs: number;
  /** How long a renewal makes it; 0: it cannot be renewed. */
  ttlSeconds: number;
  readonly namespace: string;
}

interface KnownLease {
  readonly token: string;
  readonly role: string;
  expiresAtMs: number;
}

/** What a test sees of the server, and does to it. */
export interface VaultServerUnderTest extends LocalServer {
  readonly tokens: Map<string, KnownToken>;
  /** By mount and path: `kv/github`. Versions, the oldest first; `undefined` is a deleted one. */
  readonly secrets: Map<string, (Readonly<Record<string, unknown>> | undefined)[]>;
  /** By mount and path, when the version is to be deleted. */
  readonly deletions: Map<string, string>;
  readonly leases: Map<string, KnownLease>;
  /** What is proof enough to log in: a secret id, a JWT. By the method's mount. */
  readonly proofs: Map<string, string>;
  readonly life: { tokenSeconds: number; leaseSeconds: number; isRenewable: boolean };
  isSealed: boolean;
}

const ok = (body: object): Answer => ({ status: 200, body });
const refused = (status: number, ...errors: readonly string[]): Answer => ({
  status,
  body: { errors },
});

export async function vaultServer(tls?: {
  readonly key: string;
  readonly cert: string;
}): Promise<VaultServerUnderTest> {
  const state = {
    tokens: new Map<string, KnownToken>(),
    secrets: new Map<string, (Readonly<Record<string, unknown>> | undefined)[]>(),
    deletions: new Map<string, string>(),
    leases: new Map<string, KnownLease>(),
    proofs: new Map<string, string>(),
    life: { tokenSeconds: 3_600, leaseSeconds: 3_600, isRenewable: true },
    isSealed: false,
  };
  const local = await localServer((asked) => answer(asked, state), tls);
  return Object.assign(state, local);
}

type State = Pick<
  VaultServerUnderTest,
  "tokens" | "secrets" | "deletions" | "leases" | "proofs" | "life" | "isSealed"
>;

function answer(asked: Asked, state: State): Answer {
  if (state.isSealed) return refused(503, "Vault is sealed");
  const path = asked.url.pathname.replace(/^\/v1\//, "");
  const namespace = asked.headers["x-vault-namespace"] ?? "";
  const [, mount] = /^auth\/(.+)\/login$/.exec(path) ?? [];
  if (mount !== undefined) return login(mount, asked, namespace, state);
  const id = asked.headers["x-vault-token"] ?? "";
  const token = state.tokens.get(id);
  if (token === undefined || token.expiresAtMs <= Date.now() || token.namespace !== namespace) {
    return refused(403, "permission denied", "invalid token");
  }
  const inAll = ownToken(path, id, token, state) ?? leased(path, asked, id, state);
  if (inAll !== undefined) return inAll;
  if (!token.policies.includes("reader"))
    return refused(403, "1 error occurred: permission denied");
  return stored(path, asked, state);
}

function login(mount: string, asked: Asked, namespace: string, state: State): Answer {
  const body = JSON.parse(asked.body) as Record<string, unknown>;
  const proof = body["secret_id"] ?? body["jwt"];
  if (proof !== state.proofs.get(mount)) return refused(400, "invalid role or secret ID");
  const id = `hvs.${randomUUID()}`;
  const { tokenSeconds, isRenewable } = state.life;
  state.tokens.set(id, {
    name: mount,
    policies: ["default", "reader"],
    expiresAtMs: Date.now() + tokenSeconds * 1_000,
    ttlSeconds: isRenewable ? tokenSeconds : 0,
    namespace,
  });
  return ok({ auth: { client_token: id, lease_duration: tokenSeconds, renewable: isRenewable } });
}

function ownToken(path: string, id: string, token: KnownToken, state: State): Answer | undefined {
  const { ttlSeconds, name, policies } = token;
  const isRenewable = ttlSeconds > 0;
  switch (path) {
    case "auth/token/lookup-self": {
      const leftMs = token.expiresAtMs - Date.now();
      const ttl = Number.isFinite(leftMs) ? Math.round(leftMs / 1_000) : 0;
      return ok({ data: { id, ttl, renewable: isRenewable, display_name: name, policies } });
    }
    case "auth/token/renew-self":
      if (!isRenewable) return refused(400, "lease is not renewable");
      token.expiresAtMs = Date.now() + ttlSeconds * 1_000;
      return ok({ auth: { client_token: id, lease_duration: ttlSeconds, renewable: true } });
    case "auth/token/revoke-self":
      state.tokens.delete(id);
      for (const [lease, { token: of }] of state.leases) if (of === id) state.leases.delete(lease);
      return { status: 204, body: "" };
    default:
      return undefined;
  }
}

function leased(path: string, asked: Asked, id: string, state: State): Answer | undefined {
  const { leaseSeconds, isRenewable } = state.life;
  const [, role] = /^database\/creds\/(.+)$/.exec(path) ?? [];
  if (role !== undefined) {
    const lease_id = `${path}/${randomUUID()}`;
    state.leases.set(lease_id, { token: id, role, expiresAtMs: Date.now() + leaseSeconds * 1_000 });
    const user = `v-${role}-${state.leases.size}-${randomUUID()}`;
    const data = { username: user, password: `password-of-${user}` };
    return ok({ lease_id, lease_duration: leaseSeconds, renewable: isRenewable, data });
  }
  if (!path.startsWith("sys/leases/")) return undefined;
  const { lease_id = "" } = JSON.parse(asked.body) as { lease_id?: string };
  const lease = state.leases.get(lease_id);
  if (lease === undefined || lease.expiresAtMs <= Date.now())
    return refused(400, "lease not found");
  if (path === "sys/leases/revoke") {
    state.leases.delete(lease_id);
    return { status: 204, body: "" };
  }
  lease.expiresAtMs = Date.now() + leaseSeconds * 1_000;
  return ok({ lease_id, lease_duration: leaseSeconds, renewable: isRenewable });
}

/** `kv` and `team/kv` are engines of version 2, `old` is one of version 1. */
function stored(path: string, { url }: Asked, state: State): Answer {
  const names = decodeURIComponent(path);
  const [, old] = /^old\/(.+)$/.exec(names) ?? [];
  if (old !== undefined) {
    const data = state.secrets.get(`old/${old}`)?.at(-1);
    return data === undefined ? refused(404) : ok({ data, lease_duration: 2_764_800 });
  }
  const [, mount, rest] = /^(kv|team\/kv)\/data\/(.+)$/.exec(names) ?? [];
  const place = `${mount}/${rest}`;
  const versions = state.secrets.get(place);
  const number = Number(url.searchParams.get("version") ?? versions?.length ?? 0);
  if (versions === undefined || number < 1 || number > versions.length) return refused(404);
  const data = versions[number - 1] ?? null;
  const deletion_time =
    data === null ? new Date().toISOString() : (state.deletions.get(place) ?? "");
  const metadata = { version: number, destroyed: false, deletion_time };
  return { status: data === null ? 404 : 200, body: { data: { data, metadata } } };
}
