import { constants, type KeyObject, sign, verify } from "node:crypto";

/** A JSON Web Token (RFC 7519) as it is when its signature is right. */
export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The token's content; `undefined` when it is none, is not signed by this key, or is not current. */
export function verifiedJwt(token: string, key: KeyObject): Jwt | undefined {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  if (more.length > 0) return undefined;
  try {
    const header = parsed(head);
    const claims = parsed(body);
    const data = Buffer.from(`${head}.${body}`);
    const padding = header["alg"] === "PS256" ? PSS : header["alg"] === "RS256" ? {} : undefined;
    if (padding === undefined) return undefined;
    const isSigned = verify(
      "sha256",
      data,
      { key, ...padding },
      Buffer.from(signature, "base64url"),
    );
    const { exp, nbf = 0 } = claims;
    const nowSeconds = Date.now() / 1000;
    const isCurrent = typeof exp === "number" && exp > nowSeconds && Number(nbf) <= nowSeconds + 5;
    return isSigned && isCurrent ? { header, claims } : undefined;
  } catch {
    return undefined;
  }
}

/** A token as an identity provider, such as Kubernetes, gives to a workload. */
export function signedJwt(claims: Readonly<Record<string, unknown>>, key: KeyObject): string {
  const seconds = Math.floor(Date.now() / 1000);
  const head = encoded({ alg: "RS256", typ: "JWT" });
  const body = encoded({ iat: seconds, exp: seconds + 600, ...claims });
  const signature = sign("sha256", Buffer.from(`${head}.${body}`), key).toString("base64url");
  return `${head}.${body}.${signature}`;
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

const encoded = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

function parsed(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}
