// Built from the Secret Manager REST reference, v1 (projects.secrets.versions.access), "Self-signed JWTs"
// (AIP-4111), "Method: token" of the Security Token Service v1 (RFC 8693), generateAccessToken of the IAM
// Service Account Credentials API v1, and "View and query VM metadata", as of 2025.
import { randomBytes, randomInt, type KeyObject } from "node:crypto";
import { verifiedJwt } from "./jwt.ts";
import { type Answer, type Asked, localServer, type LocalServer } from "./local-server.ts";

/** A version of a secret. */
export interface GcpVersion {
  readonly bytes: Uint8Array;
  readonly state?: "ENABLED" | "DISABLED";
  /** Another checksum than the right one. */
  readonly crc32c?: string;
}

/** Google Cloud on loopback. */
export interface GcpServer extends LocalServer {
  /** Access tokens that it gave, and until when they are taken, in milliseconds since the epoch. */
  readonly tokens: Map<string, number>;
  /** By `projects/p/secrets/s`, the newest version last. */
  readonly secrets: Map<string, GcpVersion[]>;
  /** Public keys of service accounts, by e-mail. */
  readonly accounts: Map<string, KeyObject>;
  /** The issuer whose tokens the pool takes, and how long what is given for them lives. */
  readonly pool: { issuer?: KeyObject; audience: string; lifeSeconds: number };
}

export const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

export async function gcpServer(): Promise<GcpServer> {
  const secrets: GcpServer["secrets"] = new Map();
  const accounts: GcpServer["accounts"] = new Map();
  const pool: GcpServer["pool"] = { audience: "//iam.googleapis.com/p", lifeSeconds: 3_600 };
  const tokens: GcpServer["tokens"] = new Map();

  function token(): string {
    const made = `ya29.${randomBytes(24).toString("base64url")}`;
    tokens.set(made, Date.now() + pool.lifeSeconds * 1000);
    return made;
  }

  function isKnown(bearer: string): boolean {
    if (bearer.startsWith("ya29.")) return (tokens.get(bearer) ?? 0) > Date.now();
    for (const [email, key] of accounts) {
      const { claims } = verifiedJwt(bearer, key) ?? {};
      const { iss, sub, scope, iat, exp } = claims ?? {};
      const isShort = Number(exp) - Number(iat) <= 3_600;
      if (iss === email && sub === email && scope === SCOPE && isShort) return true;
    }
    return false;
  }

  function answer(asked: Asked): Answer {
    const { method, url, headers, body } = asked;
    const bearer = headers["authorization"]?.replace(/^Bearer /, "") ?? "";
    if (method === "POST" && url.pathname === "/v1/token") return exchanged(body);
    if (url.pathname.endsWith(":generateAccessToken")) {
      if (!isKnown(bearer)) return refusal(401, "UNAUTHENTICATED");
      const expireTime = new Date(Date.now() + pool.lifeSeconds * 1000).toISOString();
      return { status: 200, body: { accessToken: token(), expireTime } };
    }
    if (url.pathname.startsWith("/computeMetadata/v1/")) return metadata(asked);
    if (!isKnown(bearer)) return refusal(401, "UNAUTHENTICATED");
    const path = /^\/v1\/(projects\/[^/]+\/secrets\/[^/]+)\/versions\/([^/]+):access$/.exec(
      decodeURIComponent(url.pathname),
    );
    if (method !== "GET" || path === null) return refusal(404, "NOT_FOUND");
    return accessed(path[1] ?? "", path[2] ?? "");
  }

  function accessed(name: string, wanted: string): Answer {
    const versions = secrets.get(name) ?? [];
    const number = wanted === "latest" ? versions.length : Number(wanted);
    const version = versions[number - 1];
    if (version === undefined) return refusal(404, "NOT_FOUND");
    if (version.state === "DISABLED") return refusal(400, "FAILED_PRECONDITION");
    const data = Buffer.from(version.bytes).toString("base64");
    const dataCrc32c = version.crc32c ?? String(checksum(version.bytes));
    const body = { name: `${name}/versions/${number}`, payload: { data, dataCrc32c } };
    return { status: 200, body };
  }

  function exchanged(body: string): Answer {
    const form = new URLSearchParams(body);
    const isRight =
      form.get("grant_type") === "urn:ietf:params:oauth:grant-type:token-exchange" &&
      form.get("audience") === pool.audience &&
      form.get("requested_token_type") === "urn:ietf:params:oauth:token-type:access_token" &&
      form.get("subject_token_type") === "urn:ietf:params:oauth:token-type:jwt";
    const { claims } =
      pool.issuer === undefined
        ? {}
        : (verifiedJwt(form.get("subject_token") ?? "", pool.issuer) ?? {});
    if (!isRight || claims?.["aud"] !== pool.audience) {
      return { status: 400, body: { error: "invalid_grant", error_description: "No" } };
    }
    return {
      status: 200,
      body: {
        access_token: token(),
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        token_type: "Bearer",
        expires_in: pool.lifeSeconds,
      },
    };
  }

  function metadata({ url, headers }: Asked): Answer {
    const flavour = { "metadata-flavor": "Google" };
    if (headers["metadata-flavor"] !== "Google") return { status: 403 };
    if (!url.pathname.endsWith("/token")) return { status: 200, headers: flavour, body: "{}" };
    const body = { access_token: token(), expires_in: pool.lifeSeconds, token_type: "Bearer" };
    return { status: 200, headers: flavour, body };
  }

  return Object.assign(await localServer(answer), { secrets, accounts, pool, tokens });
}

function refusal(code: number, status: string): Answer {
  const message = `told by the server, number ${randomInt(1_000)}`;
  return { status: code, body: { error: { code, message, status } } };
}

/** CRC-32C by a table, so not as the package under test does it. */
function checksum(bytes: Uint8Array): number {
  return (
    ~bytes.reduce((rest, byte) => ((TABLE[(rest ^ byte) & 0xff] ?? 0) ^ (rest >>> 8)) >>> 0, ~0) >>>
    0
  );
}

const TABLE: readonly number[] = Array.from({ length: 256 }, (_, start) => {
  let value = start;
  for (let bit = 0; bit < 8; bit += 1)
    value = (value & 1) === 1 ? 0x82_f6_3b_78 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});
