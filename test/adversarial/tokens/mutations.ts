import { createHmac, type KeyObject, sign } from "node:crypto";
import type { Seeded } from "../seeded.ts";
import { mutateJson, mutateJsonText } from "./mutate-json.ts";
import { mutateText, reencode, splice } from "./mutate-text.ts";

/** Tokens to start from, and the keys that sign. */
export interface Source {
  readonly tokens: readonly string[];
  readonly current: SigningPair;
  /** An older key of the same issuer, that still verifies. */
  readonly older: SigningPair;
  readonly stranger: SigningPair;
}

interface SigningPair {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

type Family = () => string;

/** One function a family, each of which gives a new mutant whenever it is called. */
export function families(random: Seeded, source: Source): Readonly<Record<string, Family>> {
  const { pick, chance, below } = random;
  const { current, older, stranger } = source;
  const token = (): string => pick(source.tokens);
  const headerOf = (kid: string) => ({ alg: "Ed25519", typ: "agent-key+jwt", kid });
  const put = (header: unknown, claims: unknown, key: KeyObject): string => {
    const text = `${encode(header)}.${encode(claims)}`;
    return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
  };
  const resign = (header: unknown, claims: unknown): string =>
    put(header, claims, current.privateKey);
  const keepSignature = (from: string, header: unknown, claims: unknown): string =>
    `${encode(header)}.${encode(claims)}.${from.split(".")[2]}`;
  const parts = (from: string) => {
    const [header = "", claims = ""] = from.split(".");
    return { header: decode(header), claims: decode(claims) };
  };
  const newId = (): string => `${below(2 ** 30)}-${below(2 ** 30)}-mutant`.padStart(22, "0");

  return {
    "untouched, or signed anew": () => {
      const from = token();
      const { claims } = parts(from);
      const shuffled = Object.entries(claims).toSorted(() => random.next() - 0.5);
      return pick([
        () => from,
        () => resign(headerOf(current.kid), { ...claims, jti: newId() }),
        () => resign(headerOf(current.kid), Object.fromEntries(shuffled)),
        () => put(headerOf(older.kid), { ...claims, jti: newId() }, older.privateKey),
      ])();
    },
    "characters of the text": () => mutateText(token(), random),
    "the same bytes in another text": () => reencode(token(), random),
    "parts of several tokens": () => splice(token(), token(), random),
    "bits of the signature": () => signatureMutant(token(), token(), random),
    "another key": () => {
      const { claims } = parts(token());
      return pick([
        () => put(headerOf(current.kid), claims, stranger.privateKey),
        () => put(headerOf(current.kid), claims, older.privateKey),
        () => put(headerOf(older.kid), claims, current.privateKey),
        () => put(headerOf(stranger.kid), claims, stranger.privateKey),
        () => put({ ...headerOf(current.kid), jwk: jwkOf(stranger) }, claims, stranger.privateKey),
        () => put(headerOf(older.kid), claims, older.privateKey),
      ])();
    },
    "another algorithm": () => confused(parts(token()).claims, random, source),
    "the header, signed anew": () => {
      const { header, claims } = parts(token());
      return resign(mutateJson(header, random, HEADER_VALUES), claims);
    },
    "the header's JSON, signed anew": () => {
      const { header, claims } = parts(token());
      return resign(mutateJsonText(JSON.stringify(header), random), claims);
    },
    "the claims, signed anew": () => {
      const { header, claims } = parts(token());
      let mutant = mutateJson(claims, random, CLAIM_VALUES);
      while (chance(0.2)) mutant = mutateJson(mutant as object, random, CLAIM_VALUES);
      return resign(header, mutant);
    },
    "times and parties, signed anew": () => {
      const { header, claims } = parts(token());
      return resign(header, { ...claims, ...timesAndParties(random) });
    },
    "the claims' JSON, signed anew": () => {
      const { header, claims } = parts(token());
      return resign(header, mutateJsonText(JSON.stringify(claims), random));
    },
    "header or claims, not signed anew": () => {
      const from = token();
      const { header, claims } = parts(from);
      return chance(0.5)
        ? keepSignature(from, mutateJson(header, random, HEADER_VALUES), claims)
        : keepSignature(from, header, mutateJson(claims, random, CLAIM_VALUES));
    },
  };
}

const HEADER_VALUES: readonly unknown[] = [
  ..."Ed25519|EdDSA|none|HS256|ES256|agent-key+jwt|JWT|application/agent-key+jwt|AGENT-KEY+JWT|k1|k2".split(
    "|",
  ),
  ["Ed25519"],
];

const SECONDS = Date.UTC(2026, 0, 1) / 1000;
const CLAIM_VALUES: readonly unknown[] = [
  ...[-3, -2.001, -2, -1, 0, 0.5, 1, 2, 2.001, 3, 10, 899, 900, 900.001, 901].map(
    (by) => SECONDS + by,
  ),
  ..."urn:desk|https://tickets.example|bot|ada|tickets:read|tickets:*|tickets:reply|agent_key".split(
    "|",
  ),
  ..."Tickets:Read|urn:desk |URN:DESK|https://tickets.example/|a.b:c|acme|AAAAAAAAAAAAAAAAAAAAAA".split(
    "|",
  ),
  ["https://tickets.example"],
  ["tickets:read"],
  { sub: "bot" },
  { any: true },
  { in: [] },
  { min: 2, max: 1 },
  { prefix: "a", maxLength: 0 },
];

/** Mostly within what is allowed, so that each rule is what refuses some. */
function timesAndParties({ pick, below, chance }: Seeded): object {
  const ms = pick([0, 0, 0, 1, 500, 999, below(1000)]) / 1000;
  const iat = SECONDS + pick([-900, -60, -10, -1, 0, 0, 1, 2, 2, 3]) + ms;
  const nbf = chance(0.6) ? iat : SECONDS + pick([-900, -1, 0, 1, 2, 3]) + ms;
  const ends = [iat + 900, iat + 899, nbf + 900, iat + 900.001, iat + 10, iat + 1, iat, iat - 1];
  const exp = pick([...ends, SECONDS + 10, SECONDS, SECONDS - 1, SECONDS - 2, SECONDS - 2.001]);
  const others = ["https://other.example", "https://tickets.example/", "urn:desk"];
  const lists = [["https://tickets.example"], ["https://tickets.example", ...others], []];
  return {
    iat,
    nbf,
    exp,
    ...(chance(0.1) ? { aud: pick<unknown>([...others, ...lists, "", null]) } : {}),
    ...(chance(0.05) ? { iss: pick<unknown>(["urn:other", "urn:desk/", ["urn:desk"], ""]) } : {}),
  };
}

/** The group's order: adding it to S gives the other form of the same signature (RFC 8032 §8.4). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function signatureMutant(token: string, other: string, { pick, below, next }: Seeded): string {
  const at = token.lastIndexOf(".") + 1;
  const bytes = Buffer.from(token.slice(at), "base64url");
  const theirs = Buffer.from(other.split(".")[2] ?? "", "base64url");
  const flip = (): Buffer => {
    const bit = below(512);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return bytes;
  };
  const withS = (change: (s: bigint) => bigint): Buffer => {
    const s = BigInt(`0x${Buffer.from(bytes.subarray(32).toReversed()).toString("hex")}`);
    const hex = BigInt.asUintN(256, change(s)).toString(16).padStart(64, "0");
    return Buffer.concat([bytes.subarray(0, 32), Buffer.from(hex, "hex").toReversed()]);
  };
  const mutant = pick([
    flip,
    flip,
    () => withS((s) => s + ORDER * BigInt(1 + below(8))),
    () => withS((s) => ORDER - s),
    () => withS(() => 0n),
    () => Buffer.concat([theirs.subarray(0, 32), bytes.subarray(32)]),
    () => Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)]),
    () => theirs,
    () => Buffer.alloc(64, below(256)),
    () => Buffer.from(bytes).fill(0, 0, 32),
    () => bytes.subarray(0, 64 - 1 - below(4)),
    () => Buffer.concat([bytes, Buffer.alloc(1 + below(3))]),
    () => (next() < 0.5 ? bytes : Buffer.from(bytes.toReversed())),
  ])();
  return token.slice(0, at) + mutant.toString("base64url");
}

function confused(claims: object, { pick, below }: Seeded, source: Source): string {
  const { current, older } = source;
  const kid = pick([current.kid, older.kid, ""]);
  const typ = pick(["agent-key+jwt", "JWT"]);
  const unsigned = (alg: string): string => `${encode({ alg, typ, kid })}.${encode(claims)}`;
  const raw = (): string | Buffer =>
    pick([
      current.publicKey.export({ format: "pem", type: "spki" }),
      Buffer.from(jwkOf(current).x ?? "", "base64url"),
      jwkOf(current).x ?? "",
      JSON.stringify(jwkOf(current)),
    ]);
  const mac = (hash: string, alg: string): string => {
    const text = unsigned(alg);
    return `${text}.${createHmac(hash, raw()).update(text).digest("base64url")}`;
  };
  const own = (alg: string): string => {
    const text = unsigned(alg);
    return `${text}.${sign(null, Buffer.from(text), current.privateKey).toString("base64url")}`;
  };
  return pick([
    () => mac("sha256", "HS256"),
    () => mac("sha512", "HS512"),
    () => mac("sha512", "Ed25519"),
    () => `${unsigned("none")}.`,
    () => own("none"),
    () => own("EdDSA"),
    () => own(pick(["ed25519", "Ed25519 ", "HS256", "ES256", ""])),
    () => own("Ed25519"),
    () => `${unsigned("Ed25519")}.${Buffer.alloc(64, below(256)).toString("base64url")}`,
  ])();
}

function jwkOf({ publicKey }: SigningPair) {
  return publicKey.export({ format: "jwk" });
}

function encode(part: unknown): string {
  if (Buffer.isBuffer(part)) return part.toString("base64url");
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
}
