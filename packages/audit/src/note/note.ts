import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** Who may have signed a note: a name, and the public half of an Ed25519 key. */
export interface NoteVerifier {
  readonly name: string;
  /** Four bytes that tell the name's keys apart; not a fingerprint to trust. */
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
}

/** Who signs notes. */
export interface NoteSigner {
  readonly verifier: NoteVerifier;
  /** @returns The signed note: the text, a blank line, and the signature's line. */
  sign(text: string): string;
}

/** A note taken apart. Nothing in it is to be believed before its signature was checked. */
export interface Note {
  /** What is signed: whole lines. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** One line of signature. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/** An Ed25519 signature, among the types of signatures that C2SP has assigned bytes to. */
const ED25519 = 0x01;
const RAW_KEY_BYTES = 32;
/** What stands before the 32 bytes of an Ed25519 public key in its DER (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
/** The specification wants at least 16 taken; more are not read. */
const MAX_SIGNATURES = 64;
const NAME = /^[^\p{White_Space}+\p{Cc}]+$/u;
const SIGNATURE_LINE = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/;

/**
 * A signer of notes (https://c2sp.org/signed-note), by Ed25519.
 *
 * @param name - Whose key it is: for checkpoints, the origin. No spaces and no `+`.
 * @param privateKey - As PKCS #8 PEM, or a key object.
 * @throws TypeError when the name or the key is none.
 */
export function noteSigner(name: string, privateKey: string | KeyObject): NoteSigner {
  const key = typeof privateKey === "string" ? parsed(privateKey, createPrivateKey) : privateKey;
  if (key.type !== "private" || key.asymmetricKeyType !== "ed25519") {
    throw new TypeError("checkpoints are signed with a private Ed25519 key");
  }
  const verifier = verifierOf(name, createPublicKey(key));
  return {
    verifier,
    sign(text) {
      const signature = Buffer.concat([verifier.keyId, sign(null, Buffer.from(text), key)]);
      return `${text}\n\u2014 ${name} ${signature.toString("base64")}\n`;
    },
  };
}

/**
 * Who may have signed, by a verifier key as other tools print it: `<name>+<key id>+<key>`; or by a
 * name and a public key, as SPKI PEM or a key object.
 *
 * @throws TypeError when it is none.
 */
export function noteVerifier(key: string): NoteVerifier;
export function noteVerifier(name: string, publicKey: string | KeyObject): NoteVerifier;
export function noteVerifier(name: string, publicKey?: string | KeyObject): NoteVerifier {
  if (publicKey === undefined) return fromText(name);
  const key =
    typeof publicKey === "string"
      ? parsed(publicKey, createPublicKey)
      : createPublicHalf(publicKey);
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError("not an Ed25519 public key");
  return verifierOf(name, key);
}

/** A verifier as text that {@link noteVerifier} and other tools take: `<name>+<key id>+<key>`. */
export function verifierText({ name, keyId, publicKey }: NoteVerifier): string {
  const key = Buffer.concat([Buffer.of(ED25519), rawKey(publicKey)]);
  return `${name}+${keyId.toString("hex")}+${key.toString("base64")}`;
}

/**
 * Takes a signed note apart.
 *
 * @returns `undefined` when it is not one.
 */
export function readNote(note: string): Note | undefined {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n") || hasControls(note)) return undefined;
  const text = note.slice(0, cut + 1);
  const lines = note.slice(cut + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures = lines.flatMap(readSignature);
  return signatures.length === lines.length ? { text, signatures } : undefined;
}

/** Whether a note is signed by a key, and by nothing in that key's name that is false. */
export function isSignedBy({ text, signatures }: Note, verifier: NoteVerifier): boolean {
  const own = signatures.filter(
    ({ name, keyId }) => name === verifier.name && keyId.equals(verifier.keyId),
  );
  const bytes = Buffer.from(text);
  return (
    own.length > 0 &&
    own.every(({ signature }) => verify(null, bytes, verifier.publicKey, signature))
  );
}

function readSignature(line: string): NoteSignature[] {
  const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
  if (name === undefined || encoded === undefined || !NAME.test(name)) return [];
  const bytes = Buffer.from(encoded, "base64");
  // Several texts decode to the same bytes; only one of them is what was written.
  if (bytes.length <= 4 || bytes.toString("base64") !== encoded) return [];
  return [{ name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) }];
}

function fromText(text: string): NoteVerifier {
  const [, name = "", id = "", encoded = ""] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text.trim()) ?? [];
  // 44 characters are 33 bytes: one that says the type, and the key.
  const bytes = Buffer.from(encoded, "base64");
  if (bytes[0] !== ED25519) {
    throw new TypeError("a verifier key is <name>+<key id>+<key>, of an Ed25519 key");
  }
  const der = Buffer.concat([SPKI_PREFIX, bytes.subarray(1)]);
  const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
  const verifier = verifierOf(name, publicKey);
  if (verifier.keyId.toString("hex") === id) return verifier;
  throw new TypeError("the verifier key's id is not that of its name and key");
}

function verifierOf(name: string, publicKey: KeyObject): NoteVerifier {
  if (!NAME.test(name)) {
    throw new TypeError("origin: a name without spaces and +, such as example.com/audit");
  }
  const keyId = createHash("sha256")
    .update(`${name}\n`)
    .update(Buffer.of(ED25519))
    .update(rawKey(publicKey))
    .digest()
    .subarray(0, 4);
  return { name, keyId, publicKey };
}

function rawKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ format: "der", type: "spki" }).subarray(-RAW_KEY_BYTES);
}

function createPublicHalf(key: KeyObject): KeyObject {
  return key.type === "private" ? createPublicKey(key) : key;
}

function parsed(pem: string, create: (pem: string) => KeyObject): KeyObject {
  try {
    return create(pem);
  } catch {
    // Whatever it says could quote the key.
    throw new TypeError("the key cannot be read: an Ed25519 key as PEM is expected");
  }
}

function hasControls(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return false;
}
