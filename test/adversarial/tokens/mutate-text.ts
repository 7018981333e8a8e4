import type { Seeded } from "../seeded.ts";

const CHARACTERS = Array.from("AZaz09-_.=+/ \n\t\r{}%\u0000\u00e9\u{1f600}\u00ad\u200b");

/** A token whose characters were changed, or (now and then) were not. */
export function mutateText(token: string, { pick, below, chance }: Seeded): string {
  let text = token;
  do {
    const at = below(text.length + 1);
    const one = pick(CHARACTERS);
    const before = text;
    text = pick([
      () => before.slice(0, at) + one + before.slice(at + 1),
      () => before.slice(0, at) + one + before.slice(at),
      () => before.slice(0, at) + before.slice(at + 1),
      () => before.slice(0, at) + before.charAt(at + 1) + before.charAt(at) + before.slice(at + 2),
      () => before.slice(0, at) + swapCase(before.charAt(at)) + before.slice(at + 1),
      () => before + one,
      () => one + before,
      () => before.slice(0, at),
      () => before.slice(0, -1) + pick(CHARACTERS),
    ])();
  } while (chance(0.2));
  return text;
}

/** A token of the very same bytes, written in another way; now and then in the one that counts. */
export function reencode(token: string, { pick, below }: Seeded): string {
  const parts = token.split(".");
  const at = below(3);
  const change = (how: (part: string) => string): string =>
    parts.map((part, index) => (index === at ? how(part) : part)).join(".");
  const inside = (part: string, what: string): string => {
    const where = below(part.length + 1);
    return part.slice(0, where) + what + part.slice(where);
  };
  return pick([
    () => change((part) => withSpareBits(part, below(16))),
    () => change((part) => withSpareBits(part, below(16))),
    () => change((part) => Buffer.from(part, "base64url").toString("base64")),
    () => change((part) => part.padEnd(Math.ceil(part.length / 4) * 4, "=")),
    () => change((part) => `${part}=`),
    () => change((part) => inside(part, pick([" ", "\n", "\r\n", "\t", "\u0000", "\u00a0"]))),
    () => change((part) => inside(part, pick(["?", "#", "%20", "\\n", "\u200b"]))),
    () => change((part) => part.replaceAll("-", "+").replaceAll("_", "/")),
    () => change((part) => `${part}A`),
    () => change((part) => encodeURIComponent(`${part}\u00e9`)),
    () => change((part) => Buffer.from(part).toString("base64url")),
    () => pick([" ", "\n", "\t", "\ufeff", "Bearer "]) + token,
    () => token + pick([" ", "\n", "\t", "\u0000", "%00", "=", "==", "."]),
    () => token,
  ])();
}

/** What the parts of two tokens can be put together to. */
export function splice(one: string, other: string, { pick, below }: Seeded): string {
  const [h = "", p = "", s = ""] = one.split(".");
  const [oh = "", op = "", os = ""] = other.split(".");
  return pick([
    () => `${h}.${op}.${s}`,
    () => `${oh}.${p}.${s}`,
    () => `${h}.${p}.${os}`,
    () => `${h}.${op}.${os}`,
    () => `${p}.${h}.${s}`,
    () => `${h}.${p}`,
    () => `${h}.${p}.`,
    () => `.${p}.${s}`,
    () => `${h}..${s}`,
    () => "..",
    () => `${one}.${os}`,
    () => `${one}.${other}`,
    () => `${one},${other}`,
    () => `${one} ${other}`,
    () => `${h}.${p}.${s}${os}`,
    () => `${h}.${p}${op}.${s}`,
    () => JSON.stringify({ protected: h, payload: p, signature: s }),
    () => JSON.stringify({ payload: p, signatures: [{ protected: h, signature: s }] }),
    () => JSON.stringify(one),
    () => `${h}.${Buffer.from(one).toString("base64url")}.${s}`,
    () => one.slice(0, below(one.length)) + other.slice(below(other.length)),
    () => (h === oh ? `${oh}.${p}.${s}` : one),
  ])();
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function withSpareBits(part: string, bits: number): string {
  const spare = { 2: 16, 3: 4 }[part.length % 4] ?? 1;
  const last = ALPHABET.indexOf(part.slice(-1));
  return part.slice(0, -1) + ALPHABET.charAt(last - (last % spare) + (bits % spare));
}

function swapCase(character: string): string {
  const lower = character.toLowerCase();
  return lower === character ? character.toUpperCase() : lower;
}
