import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  KeyObject,
} from "node:crypto";
import { dirname } from "node:path";
import type { JWK } from "jose";
import { fs } from "../file-system.ts";
import { isIdentifier } from "./claims.ts";

/** The public half of a signing key as it is published (RFC 7517, RFC 8037). */
export interface PublicJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly alg: "Ed25519";
  readonly use: "sig";
}

/** An Ed25519 key that mints: its private half never leaves this object's closure of the process. */
export interface SigningKey {
  /** The key's id in token headers: the JWK's own `kid`, or its RFC 7638 thumbprint. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: PublicJwk;
}

/**
 * Where a signing key comes from: a `KeyObject`; an Ed25519 private JWK; or text, which is PEM
 * (PKCS #8), a JWK as JSON, or the path of a file that holds either. A key file that group or
 * others can read is refused.
 */
export type SigningKeyInput = KeyObject | JWK | string;

/** Makes a new signing key in this process. Nothing outlives the process. */
export function generateSigningKey(): SigningKey {
  return fromPrivateKey(generateKeyPairSync("ed25519").privateKey, undefined);
}

/**
 * Reads a signing key.
 *
 * @param option - The option or variable it came from, for the error.
 * @throws TypeError naming the option, never the key's content.
 */
export function readSigningKey(input: SigningKeyInput, option = "signingKey"): SigningKey {
  if (input instanceof KeyObject) return fromPrivateKey(input, undefined, option);
  if (typeof input === "string") return fromText(input, option);
  if (typeof input === "object" && input !== null) return fromJwk(input, option);
  throw notASigningKey(option);
}

function fromText(text: string, option: string): SigningKey {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) return fromJwk(parseJson(trimmed, option), option);
  if (trimmed.startsWith("-----BEGIN")) {
    const privateKey = attempt(
      () => createPrivateKey(trimmed),
      () => notASigningKey(option),
    );
    return fromPrivateKey(privateKey, undefined, option);
  }
  const content = readPrivateFile(trimmed, option).trim();
  // Only content that says what it is: a path to a path is a mistake.
  if (content.startsWith("{") || content.startsWith("-----BEGIN")) return fromText(content, option);
  throw notASigningKey(option);
}

function fromJwk(jwk: JWK, option: string): SigningKey {
  const privateKey = attempt(
    () => createPrivateKey({ key: jwk, format: "jwk" }),
    () => notASigningKey(option),
  );
  const kid = jwk["kid"];
  if (kid !== undefined && !isIdentifier(kid)) {
    throw new TypeError(`${option}: its kid must be a string of 1 to 256 characters`);
  }
  return fromPrivateKey(privateKey, kid, option);
}

function fromPrivateKey(
  privateKey: KeyObject,
  kid: string | undefined,
  option = "signingKey",
): SigningKey {
  if (privateKey.type !== "private" || privateKey.asymmetricKeyType !== "ed25519") {
    throw notASigningKey(option);
  }
  const publicKey = createPublicKey(privateKey);
  const x = publicKey.export({ format: "jwk" }).x ?? "";
  const id = kid ?? thumbprint(x);
  const publicJwk = { kty: "OKP", crv: "Ed25519", x, kid: id, alg: "Ed25519", use: "sig" } as const;
  return Object.freeze({ kid: id, privateKey, publicKey, publicJwk });
}

/** RFC 7638, made here because `jose` offers it only asynchronously; a test holds the two equal. */
function thumbprint(x: string): string {
  const members = JSON.stringify({ crv: "Ed25519", kty: "OKP", x });
  return createHash("sha256").update(members).digest("base64url");
}

function readPrivateFile(path: string, option: string): string {
  const { mode, content } = attempt(
    () => readWithMode(path),
    (error) => {
      const { code } = error as NodeJS.ErrnoException;
      const why = code === undefined ? "" : ` (${code}: ${placeOf(path)})`;
      return new TypeError(`${option}: neither a JWK, nor PEM, nor a readable key file${why}`);
    },
  );
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new TypeError(`${option}: the key file is open to group or others; chmod 600 it first`);
  }
  return content;
}

/** What was meant for a path may be a key that lacks its first line: named only where it looks like one. */
function placeOf(path: string): string {
  const folder = dirname(path);
  const isPath =
    path.length <= 500 &&
    (/[^.]\.[a-z]{1,5}$/i.test(path) || (!["/", "."].includes(folder) && fs().existsSync(folder)));
  return `${isPath ? path : "what is no path"}, in ${process.cwd()}`;
}

/** From one open file, so that what was checked is what is read. */
function readWithMode(path: string): { mode: number; content: string } {
  const fd = fs().openSync(path, "r");
  try {
    return { mode: fs().fstatSync(fd).mode, content: fs().readFileSync(fd, "utf8") };
  } finally {
    fs().closeSync(fd);
  }
}

// Not attached as a cause, on purpose: a parser's message can quote the key.
function attempt<T>(read: () => T, failure: (error: unknown) => TypeError): T {
  let result: { value: T } | { failed: TypeError };
  try {
    result = { value: read() };
  } catch (error) {
    result = { failed: failure(error) };
  }
  if ("failed" in result) throw result.failed;
  return result.value;
}

function parseJson(text: string, option: string): JWK {
  return attempt(
    () => JSON.parse(text) as JWK,
    () => notASigningKey(option),
  );
}

function notASigningKey(option: string): TypeError {
  return new TypeError(`${option}: not an Ed25519 private key (KeyObject, JWK, PEM or key file)`);
}
