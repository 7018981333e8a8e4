import type { Constraint, Grant, KeyRequest } from "@agent-keys/core";
import type { Seeded } from "../seeded.ts";

type Scalar = string | number | boolean;

const NAMES = "owner|repo|id|channel|amount".split("|");
const STRANGE_NAMES = [
  "__proto__|constructor|toString|hasOwnProperty|valueOf|length|then|where|only|scope|0|1e3|a.b",
  "| |owner |Owner|a[0]|\u00e9|e\u0301|\uff4fwner|\u202eowner|own\u200ber|\u{1f600}|\ud83d",
].flatMap((names) => names.split("|"));

const TEXTS = [
  "|a|ab|aba|b|ba|A|acme|acme/|acme/api|1|true|null|a | a|a\n|\u0000|a\u0000b|\u202ea",
  "\u00e9|e\u0301|\u00df|ss|\u212a|k|K|\ufb00|ff|\u0130|i|\u{1f600}|\u{1f600}a|a\u{1f600}",
].flatMap((texts) => texts.split("|"));
/** Half of an emoji: no code point, but a prefix of one to whoever compares 16 bits at a time. */
const BROKEN_TEXTS = ["\ud83d", "\ude00", "a\ud83d", "\ude00a"];

const NUMBERS = [-1, 0, -0, 0.3, 0.1 + 0.2, 1, 1.5, 2, 3, 10, 2 ** 53 - 1, 5e-324, 1e308, -1e308];

const NO_SCALARS: readonly (() => unknown)[] = [
  () => null,
  () => ({}),
  () => ({ toString: () => "a" }),
  () => [],
  () => [[]],
  () => [["a"]],
  () => Object.assign([], { length: 2 }),
  () => [undefined],
  () => Number.NaN,
  () => Infinity,
  () => -Infinity,
  () => 1n,
  () => Symbol("a"),
  () => () => "a",
  () => new String("a"),
  () => new Number(1),
  () => new Date(0),
  () => new Set(["a"]),
  () => ({ 0: "a", length: 1 }),
  () => JSON.parse('{"__proto__":"a"}') as unknown,
];

const SCOPES = [
  "github:repos.read",
  "github:repos.write",
  "github:repos.read.deep",
  "github:repos",
  "github:reposx.read",
  "git:repos.read",
  "db:read",
];
const PATTERNS = ["github:*", "github:repos.*", "github:repos.read.*", "db:*"];
const NO_SCOPES = [
  "github:*|github:repos.*|github:|:||github|github:repos.|*|*:*|github:repos..read|__proto__",
  "GitHub:repos.read|github:repos.read |github:repos.read\n|github:repos.\u0433ead",
].flatMap((scopes) => scopes.split("|"));

/** Makes grants and requests that meet at their edges: few names, few values, witnesses and near misses. */
export interface Cases {
  /** A few names that one case is about. */
  readonly names: () => readonly string[];
  readonly grant: (names: readonly string[]) => Grant;
  /** A grant that differs a little from another. */
  readonly near: (grant: Grant, names: readonly string[]) => Grant;
  /** A grant that allows no more than another, by one step of narrowing. */
  readonly tighter: (grant: Grant, names: readonly string[]) => Grant;
  /** A request that any of the grants might allow. */
  readonly request: (grants: readonly Grant[], names: readonly string[]) => KeyRequest;
}

/** Draws cases from a seeded generator. */
export function cases(random: Seeded): Cases {
  const { pick, chance, below } = random;

  const text = (): string => (chance(0.03) ? pick(BROKEN_TEXTS) : pick(TEXTS));
  const scalar = (): Scalar => {
    if (chance(0.6)) return text();
    return chance(0.8) ? pick(NUMBERS) : chance(0.5);
  };
  const optional = (): object => (chance(0.25) ? { optional: true } : {});

  function constraint(): Constraint {
    const kind = below(10);
    if (kind < 3) return scalar();
    if (kind < 5) {
      const values = Array.from({ length: below(4) }, scalar);
      return values.length === 0 ? { in: [], optional: true } : { in: values, ...optional() };
    }
    if (kind < 7) {
      const [low = 0, high = 0] = [pick(NUMBERS), pick(NUMBERS)].toSorted((a, b) => a - b);
      const bounds = [{ min: low }, { max: high }, { min: low, max: high }];
      return { ...pick(bounds), ...optional() };
    }
    if (kind < 9) {
      const shapes = [
        () => ({ prefix: text() }),
        () => ({ suffix: text() }),
        () => ({ maxLength: below(4) }),
        () => ({ prefix: text(), suffix: text() }),
        () => ({ prefix: text(), maxLength: 4 + below(4) }),
        () => ({ prefix: text(), suffix: text(), maxLength: 8 + below(3) }),
      ];
      return { ...pick(shapes)(), ...optional() };
    }
    return { any: true, ...optional() };
  }

  const limits = (): object => ({
    ...(chance(0.3) ? { only: true } : {}),
    ...(chance(0.2) ? { uses: 1 + below(4) } : {}),
    ...(chance(0.2) ? { expiresIn: pick([1, 5, 60, 0.5, "1s", "5s", "1m", "15m"]) } : {}),
  });

  function grant(names: readonly string[]): Grant {
    const where = names.filter(() => chance(0.55)).map((name) => [name, constraint()] as const);
    return {
      scope: chance(0.25) ? pick(PATTERNS) : pick(SCOPES.slice(0, chance(0.7) ? 1 : undefined)),
      ...(where.length > 0 ? { where: Object.fromEntries(where) } : {}),
      ...limits(),
    };
  }

  function near(to: Grant, names: readonly string[]): Grant {
    const where = new Map(Object.entries(to.where ?? {}));
    const name = pick(names);
    if (chance(0.3)) where.delete(name);
    else where.set(name, chance(0.5) ? constraint() : nearConstraint(where.get(name)));
    return { ...to, ...limits(), where: Object.fromEntries(where) };
  }

  /** The same, but for whether it may be absent; or one of its values; or a wider form of it. */
  function nearConstraint(to: Constraint | undefined): Constraint {
    if (to === undefined) return constraint();
    if (typeof to !== "object") return { in: [to, scalar()], ...optional() };
    if ("in" in to && to.in.length > 0)
      return chance(0.5) ? pick(to.in) : { ...to, optional: true };
    return { ...to, optional: chance(0.5) ? true : undefined };
  }

  function tighter(than: Grant, names: readonly string[]): Grant {
    const where = new Map(Object.entries(than.where ?? {}));
    const name = pick(names);
    const given = where.get(name);
    const steps: (() => Grant)[] = [
      () => ({ ...than, only: true }),
      () => ({ ...than, uses: Math.min(than.uses ?? Infinity, 1) }),
      () => ({ ...than, scope: than.scope.replace("*", "read") }),
    ];
    // A free name of an open grant may be bound at will, and a bound one in its own kind.
    if (given !== undefined || than.only !== true) {
      const bound = given === undefined ? constraint() : tighterConstraint(given);
      steps.push(() => ({ ...than, where: Object.fromEntries(where.set(name, bound)) }));
    }
    return pick(steps)();
  }

  function tighterConstraint(than: Constraint): Constraint {
    if (typeof than !== "object") return than;
    const { optional: _, ...required } = than;
    if ("in" in than) return than.in.length > 0 ? { in: [pick(than.in)] } : than;
    if ("any" in than) return constraintOf(than);
    if ("min" in than || "max" in than) {
      const { min = -10, max = Math.max(10, min) } = than;
      return { min: min + (max - min) / 4, max };
    }
    return "prefix" in required ? { ...required, prefix: `${required.prefix}` } : required;
  }

  const constraintOf = (than: { optional?: true | undefined }): Constraint => {
    const one = constraint();
    if (typeof one !== "object" || than.optional === true) return one;
    return { ...one, optional: undefined };
  };

  /** A value that the constraint is likely to allow, or that is just outside it. */
  function witness(of: Constraint): unknown {
    if (typeof of !== "object") return of;
    if (of.optional === true && chance(0.15)) return undefined;
    if ("in" in of) return of.in.length > 0 ? pick(of.in) : undefined;
    if ("any" in of) return chance(0.7) ? scalar() : pick(NO_SCALARS)();
    if ("min" in of || "max" in of) {
      const { min = of.max ?? 0, max = of.min ?? 0 } = of;
      return pick([min, max, (min + max) / 2, min + 0.5, max + 0.5, min - 1, String(min)]);
    }
    const { prefix = "", suffix = "", maxLength = 3 } = of as Record<string, never>;
    const texts = [
      () => prefix + suffix,
      () => prefix + text() + suffix,
      () => overlapped(prefix, suffix),
      () => `${prefix}${"\u{1f600}".repeat(maxLength)}${suffix}`.slice(0, 2 * maxLength),
      () => (prefix + "x".repeat(20)).slice(0, Math.max(0, maxLength - suffix.length)) + suffix,
      () => prefix.slice(0, -1) + suffix,
      () => prefix.toUpperCase() + suffix,
      () => (prefix + suffix).normalize("NFD"),
    ];
    return pick(texts)();
  }

  function value(name: string, grants: readonly Grant[]): unknown {
    const constraints = grants.flatMap(({ where }) =>
      where !== undefined && Object.hasOwn(where, name) ? [where[name] as Constraint] : [],
    );
    if (constraints.length === 0 || chance(0.07))
      return chance(0.8) ? scalar() : pick(NO_SCALARS)();
    const one = (): unknown => witness(pick(constraints));
    if (chance(0.85)) return one();
    return pick([
      () => [one()],
      () => [one(), one()],
      () => [],
      () => [[one()]],
      () => [one(), null],
    ])();
  }

  function request(grants: readonly Grant[], names: readonly string[]): KeyRequest {
    const target = pick(grants);
    const members: [string, unknown][] = [];
    for (const name of names) {
      const constrained = grants.some(
        ({ where }) => where !== undefined && Object.hasOwn(where, name),
      );
      if (chance(constrained ? 0.93 : 0.2)) members.push([name, value(name, grants)]);
    }
    if (chance(0.03)) members.push([pick(STRANGE_NAMES), scalar()]);
    return { scope: concrete(target.scope), ...valuesFrom(members) };
  }

  function concrete(scope: string): string {
    if (chance(0.02)) return pick(NO_SCOPES);
    if (chance(0.04)) return pick(SCOPES);
    return scope.replace("*", pick(["read", "repos.read", "read.deep", "x"]));
  }

  /** As a plain object, one without a prototype, or (all in vain) as the prototype of an empty one. */
  function valuesFrom(members: readonly [string, unknown][]): { values?: Record<string, unknown> } {
    if (members.length === 0 && chance(0.5)) return {};
    const plain = Object.fromEntries(members);
    if (chance(0.9)) return { values: plain };
    if (chance(0.3)) return { values: Object.create(plain) as Record<string, unknown> };
    const bare = Object.create(null) as Record<string, unknown>;
    for (const [name, one] of members) bare[name] = one;
    return { values: bare };
  }

  const names = (): readonly string[] => {
    const count = 1 + below(3);
    return Array.from({ length: count }, () => (chance(0.2) ? pick(STRANGE_NAMES) : pick(NAMES)));
  };

  return { names, grant, near, tighter, request };
}

/** The shortest text that begins with one and ends with the other. */
function overlapped(prefix: string, suffix: string): string {
  for (let shared = Math.min(prefix.length, suffix.length); shared > 0; shared -= 1) {
    if (prefix.endsWith(suffix.slice(0, shared))) return prefix + suffix.slice(shared);
  }
  return prefix + suffix;
}
