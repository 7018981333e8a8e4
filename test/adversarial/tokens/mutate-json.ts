import type { Seeded } from "../seeded.ts";

const JUNK: readonly unknown[] = (
  [
    [undefined, null, true, false, 0, 1, -1, 0.5, 2 ** 53, 1e300, -0, "", " ", "1", "true"],
    ["__proto__", "constructor", "\u0000", "e\u0301", "\u{1f600}", "\ud83d", "x".repeat(300)],
    [[], {}, [[]], [null], { "": "" }, { constructor: 1 }],
  ] as unknown[][]
).flat();
const NEW_MEMBERS =
  "crit|jku|jwk|x5u|x5c|x5t|b64|zip|cnf|azp|scp|admin|client_id|nonce|constructor|toString|parent|only|uses|optional|act|constraints|txn|call|any|counter|iat|exp".split(
    "|",
  );

type Container = Record<string, unknown> | unknown[];

/** A copy in which one member, at any depth, was changed, dropped, added or renamed. */
export function mutateJson(object: object, random: Seeded, values: readonly unknown[]): unknown {
  const { pick, chance } = random;
  const copy = structuredClone(object) as Container;
  if (chance(0.03)) return pick([[copy], { claims: copy }, null, "text", 1, JSON.stringify(copy)]);
  const containers = containersIn(copy);
  if (containers.length === 0) return copy;
  const container = pick(containers);
  const names = Object.keys(container);
  const name = names.length === 0 ? pick(NEW_MEMBERS) : pick(names);
  const members = container as Record<string, unknown>;
  const old = Object.hasOwn(members, name) ? members[name] : undefined;
  pick([
    () => (members[name] = pick(JUNK)),
    () => (members[name] = pick(values)),
    () => (members[name] = pick(values)),
    () => (members[name] = nearby(old, random)),
    () => (members[name] = nearby(old, random)),
    () => (members[name] = pick([[old], { [name]: old }, JSON.stringify(old), "[object Object]"])),
    () => (members[pick(NEW_MEMBERS)] = pick([...values, ...JUNK])),
    () => delete members[name],
    () =>
      rename(members, name, pick([name.toUpperCase(), `${name} `, `${name}\u0000`, "__proto__"])),
  ])();
  return copy;
}

/** A copy of the same value that is a little off; sometimes it is the same. */
function nearby(value: unknown, { pick }: Seeded): unknown {
  if (typeof value === "number") {
    return value + pick([-900, -10, -3, -2, -0.001, 0, 0.001, 0.5, 1, 2, 2.001, 3, 890, 900, 1000]);
  }
  if (typeof value !== "string") return value;
  return pick([
    `${value} `,
    ` ${value}`,
    `${value}\u0000`,
    value.toUpperCase(),
    value.slice(0, -1),
    value + value,
    `${value}.more`,
    value.replace(/[a-z]/, "\u0430"),
    value.normalize("NFD"),
    value,
  ]);
}

function containersIn(value: unknown): Container[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(containersIn);
  return [value as Container, ...inner];
}

/** An own member, also when it is called `__proto__`. */
function rename(object: Record<string, unknown>, from: string, to: string): void {
  if (!Object.hasOwn(object, from)) return;
  const value = object[from];
  delete object[from];
  Object.defineProperty(object, to, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** The JSON of an object in another text, or one that is a little broken; bytes, so not always UTF-8. */
export function mutateJsonText(json: string, { pick, below, chance }: Seeded): Buffer {
  const at = below(json.length + 1);
  const member = /"(\w+)":("[^"]*"|[\d.]+)/g;
  const members = [...json.matchAll(member)].map(([text]) => text);
  const one = members.length === 0 ? '"a":1' : pick(members);
  const [name = ""] = one.split(":");
  const text = pick([
    () => json,
    () => ` ${json}\n`,
    () => json.replace(one, `${one} `),
    () => json.replace(one, one.replace(":", " : ")),
    () => json.replace("{", `{${one},`),
    () => json.replace(/\}$/, `,${name}:"twice"}`),
    () => json.replace("{", `{${name}:"twice",`),
    () => json.replace("{", '{"__proto__":{"admin":true},'),
    () => json.replace("{", '{"\\u005f_proto__":1,'),
    () =>
      json.replace(/"(\w)/, (_, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
    () =>
      json.replace(/(\d{10})(?=[,}.])/, (digits) => `${digits}${pick([".0", "e0", ".5", "E+1"])}`),
    () => json.replace(/(\d{10})(?=[,}.])/, pick(["1e999", "-1", "0x10", "NaN", "1_0", "01"])),
    () => json.replace(/^\{/, `{"deep":${"[".repeat(below(2000))},`),
    () => json.replace("{", `{"deep":${"[".repeat(500)}${"]".repeat(500)},`),
    () => `\ufeff${json}`,
    () => `${json}${pick(["x", "{}", ",", "\u0000", "//"])}`,
    () => json.slice(0, at) + pick(['"', "\\", ",", "\u0000", "}", "{", "1", "a"]) + json.slice(at),
    () => json.slice(0, at) + json.slice(at + 1),
    () => `[${json}]`,
    () => json.replaceAll('"', "'"),
  ])();
  const bytes = Buffer.from(text);
  if (chance(0.05)) bytes[below(bytes.length)] = 0x80 + below(128);
  return chance(0.02) ? Buffer.from(text, "utf16le") : bytes;
}
