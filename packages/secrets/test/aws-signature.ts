// Built from "Create a signed AWS API request" (AWS Signature Version 4), IAM User Guide, as of 2025.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Asked } from "./local-server.ts";

/** What AWS knows of an access key. */
export interface AwsIdentity {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiresAtMs?: number;
}

/** The error that AWS answers with, or `undefined` when the request is signed as it must be. */
export function signatureError(
  asked: Asked,
  identities: ReadonlyMap<string, AwsIdentity>,
  { region, service }: { readonly region: string; readonly service: string },
): string | undefined {
  const given = AUTHORIZATION.exec(asked.headers["authorization"] ?? "");
  if (given === null) return "MissingAuthenticationTokenException";
  const [, accessKeyId = "", date = "", inRegion, toService, names = "", signature = ""] = given;
  const identity = identities.get(accessKeyId);
  if (identity === undefined) return "UnrecognizedClientException";
  if (inRegion !== region || toService !== service) return "InvalidSignatureException";
  const signed = names.split(";");
  if (!["host", "x-amz-date", "x-amz-target"].every((name) => signed.includes(name))) {
    return "IncompleteSignature";
  }
  if (asked.headers["x-amz-security-token"] !== identity.sessionToken) {
    return "UnrecognizedClientException";
  }
  const at = asked.headers["x-amz-date"] ?? "";
  if (!at.startsWith(date) || Math.abs(millisecondsOf(at) - Date.now()) > 5 * 60_000) {
    return "InvalidSignatureException";
  }
  const canonical = [
    asked.method,
    asked.url.pathname,
    asked.url.searchParams.toString(),
    ...signed.map((name) => `${name}:${(asked.headers[name] ?? "").trim().replaceAll(/ +/g, " ")}`),
    "",
    names,
    sha256(asked.body),
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", at, scope, sha256(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${identity.secretAccessKey}`,
  );
  const expected = hmac(key, toSign);
  const actual = Buffer.from(signature, "hex");
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) {
    return "InvalidSignatureException";
  }
  if ((identity.expiresAtMs ?? Infinity) <= Date.now()) return "ExpiredTokenException";
  return undefined;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/;

function millisecondsOf(at: string): number {
  return Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();
