import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { type Credential, signed, type Unsigned } from "./credential.ts";

/** What of AWS a service is. */
export interface SigV4Options {
  /** The service's name as it is signed: `s3`. */
  readonly service: string;
  /** `eu-central-1`. */
  readonly region: string;
  /** Looks at a request before it is signed. What it throws refuses it with `secret_unavailable`. */
  readonly check?: ((request: Unsigned) => void) | undefined;
}

/** Credentials of AWS, as the secret of a service that is signed with them: as JSON. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * AWS Signature Version 4, as S3 takes it: the path is encoded once. A body that is streamed is not part
 * of the signature (`UNSIGNED-PAYLOAD`), so the service is to be reached by https. Needs
 * `@smithy/signature-v4`, which is loaded with the first request.
 *
 * The secret is JSON, `{ "accessKeyId", "secretAccessKey", "sessionToken"? }`.
 */
export function sigV4({ service, region, check }: SigV4Options): Credential {
  return signed(async (request, secret) => {
    check?.(request);
    const { SignatureV4 } = await import("@smithy/signature-v4");
    const signer = new SignatureV4({
      service,
      region,
      credentials: readAwsCredentials(secret),
      sha256: Sha256,
      uriEscapePath: false,
      applyChecksum: false,
    });
    const { method, url, headers, body } = request;
    const streams = body === undefined && STREAMS.has(method);
    const payload = streams
      ? "UNSIGNED-PAYLOAD"
      : createHash("sha256")
          .update(body ?? "")
          .digest("hex");
    const given = {
      ...Object.fromEntries(Object.entries(headers).filter(([name]) => isSigned(name))),
      host: url.host,
      "x-amz-content-sha256": payload,
    };
    const out = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: canonicalPath(url.pathname),
      query: queryOf(url.search),
      headers: given,
    });
    const added = Object.entries(out.headers).filter(([name]) => ADDED.has(name.toLowerCase()));
    return Object.fromEntries(added);
  });
}

/** @throws TypeError that quotes nothing of it. */
function readAwsCredentials(secret: string): AwsCredentials {
  const wrong = new TypeError(
    "no credentials of AWS: must be JSON with accessKeyId, secretAccessKey",
  );
  let value: unknown;
  try {
    value = JSON.parse(secret);
  } catch {
    throw wrong;
  }
  if (typeof value !== "object" || value === null) throw wrong;
  const { accessKeyId, secretAccessKey, sessionToken } = value as Record<string, unknown>;
  if (typeof accessKeyId !== "string" || typeof secretAccessKey !== "string") throw wrong;
  if (sessionToken === undefined) return { accessKeyId, secretAccessKey };
  if (typeof sessionToken !== "string") throw wrong;
  return { accessKeyId, secretAccessKey, sessionToken };
}

const STREAMS: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

const ADDED: ReadonlySet<string> = new Set([
  "authorization",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-security-token",
]);

/** Those that nothing on the way changes. */
function isSigned(name: string): boolean {
  return name.startsWith("x-amz-") || name === "content-type" || name === "content-md5";
}

/** AWS decodes what came and encodes it anew, before it signs for itself. */
function canonicalPath(path: string): string {
  return path.split("/").map(encoded).join("/");
}

function encoded(segment: string): string {
  return encodeURIComponent(decodeURIComponent(segment)).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function queryOf(search: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const pair of search.slice(1).split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decodeURIComponent(at === -1 ? pair : pair.slice(0, at));
    query[name] = at === -1 ? "" : decodeURIComponent(pair.slice(at + 1).replaceAll("+", " "));
  }
  return query;
}

/** What the signer hashes with. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }

  reset(): void {
    throw new Error("a digest is taken once");
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
