import { checkRequest, type Grant, isNarrower, type KeyRequest, meet } from "@agent-keys/core";
import { expect, test } from "vitest";
import { type Seeded, seeded } from "../seeded.ts";
import { type Cases, cases } from "./generate.ts";
import { referenceAllows, referenceDecision } from "./reference.ts";
import { Tally } from "./tally.ts";
import { shown } from "./shown.ts";

const CASES = 200_000;

const allows = (grant: Grant | undefined, request: KeyRequest): boolean =>
  grant !== undefined && checkRequest([grant], request).allowed;

function meetOf(first: Grant | undefined, ...rest: readonly (Grant | undefined)[]) {
  return rest.reduce(
    (a, b) => (a === undefined || b === undefined ? undefined : meet(a, b)),
    first,
  );
}

test("a request is allowed by a meet of two, or of three in any order, iff by each", () => {
  const { random, make } = open("grants/meet", 20_261_102);
  const tally = new Tally("grants/meet");
  for (let i = 0; i < CASES; i += 1) {
    const { a, b, c, names } = triple(random, make);
    const request = make.request([a, b, c], names);
    const [byA, byB, byC] = [a, b, c].map((grant) => referenceAllows(grant, request));
    const ab = meet(a, b);
    const expected = byA === true && byB === true;
    tally.count("of two", expected ? "allowed" : "refused");
    // By our checker and by the reference: a meet must not lean on a quirk of the checker.
    const two = [allows(ab, request), ab !== undefined && referenceAllows(ab, request)];
    if (two.some((one) => one !== expected)) tally.wrong("meet", { a, b, ab, request, expected });

    const all = expected && byC === true;
    tally.count("of three", all ? "allowed" : "refused");
    const orders = [
      meetOf(ab, c),
      meetOf(a, meet(b, c)),
      meetOf(meet(c, a), b),
      meetOf(meet(c, b), a),
    ];
    if (orders.some((one) => allows(one, request) !== all)) {
      tally.wrong("three-way meet", { a, b, c, orders, request, expected: all });
    }
    if (orders.some((one) => limits(one) !== limits(orders[0]))) {
      tally.wrong("limits of a three-way meet", { a, b, c, orders });
    }
  }
  tally.print();
  expect(tally.faults).toEqual([]);
  expect(tally.share("of two", "allowed")).toBeGreaterThan(0.15);
  expect(tally.share("of three", "allowed")).toBeGreaterThan(0.08);
  expect(tally.share("of two", "refused")).toBeGreaterThan(0.15);
});

test("the meets of two, or three, lists allow what every list allows: a list is a disjunction", () => {
  const { random, make } = open("grants/lists", 20_261_103);
  const tally = new Tally("grants/lists");
  for (let i = 0; i < CASES / 4; i += 1) {
    const names = make.names();
    const first = make.grant(names);
    const list = (): Grant[] =>
      Array.from({ length: 1 + random.below(3) }, () =>
        random.chance(0.7) ? make.near(first, names) : make.grant(names),
      );
    const [a, b, c] = [list(), list(), list()];
    const ab = meets(a, b);
    const request = make.request([...a, ...b, ...c], names);
    const both = [a, b].every((one) => referenceDecision(one, request).code === "allowed");
    tally.count("two lists", both ? "allowed" : "refused");
    if (checkRequest(ab, request).allowed !== both) {
      tally.wrong("two lists", { a, b, ab, request, expected: both });
    }
    const all = both && referenceDecision(c, request).code === "allowed";
    tally.count("three lists", all ? "allowed" : "refused");
    for (const abc of [meets(ab, c), meets(a, meets(b, c))]) {
      if (checkRequest(abc, request).allowed !== all) {
        tally.wrong("three lists", { a, b, c, abc, request, expected: all });
      }
    }
  }
  tally.print();
  expect(tally.faults).toEqual([]);
  expect(tally.share("two lists", "allowed")).toBeGreaterThan(0.12);
  expect(tally.share("three lists", "allowed")).toBeGreaterThan(0.07);
  expect(tally.share("two lists", "refused")).toBeGreaterThan(0.15);
});

test("isNarrower says yes only where every request agrees, and does say it of what is narrower", () => {
  const { random, make } = open("grants/isNarrower", 20_261_104);
  const tally = new Tally("grants/isNarrower");
  for (let i = 0; i < CASES; i += 1) {
    const { a, b, c, names } = triple(random, make);
    const tight = make.tighter(a, names);
    const ab = meet(a, b);
    const pairs: [kind: string, child: Grant, parent: Grant][] = [
      ["of any two", a, b],
      ["of any two", b, a],
      ["of a tightened one", tight, a],
      ["of a tightened one, turned round", a, tight],
      ["of itself", a, structuredClone(a)],
    ];
    if (ab !== undefined) pairs.push(["of a meet", ab, a], ["of a meet", ab, b]);
    for (const [kind, child, parent] of pairs) {
      const narrower = isNarrower(child, parent);
      tally.count(kind, narrower ? "yes" : "no");
      if (!narrower) {
        if (MUST_BE_NARROWER.has(kind)) tally.wrong(kind, { child, parent });
        continue;
      }
      const request = make.request([child], names);
      const used = referenceAllows(child, request);
      tally.count("requests that a narrower one", used ? "allows" : "refuses");
      if (used && !referenceAllows(parent, request)) tally.wrong(kind, { child, parent, request });
      if (!hasLowerLimits(child, parent)) tally.wrong(`${kind}: limits`, { child, parent });
    }
    // Transitive: a chain that holds link by link holds as a whole.
    if (isNarrower(a, b) && isNarrower(b, c)) {
      tally.count("chains of three", isNarrower(a, c) ? "yes" : "no");
      if (!isNarrower(a, c)) tally.wrong("transitivity", { a, b, c });
    }
  }
  tally.print();
  expect(tally.faults).toEqual([]);
  expect(tally.share("of any two", "yes")).toBeGreaterThan(0.02);
  expect(tally.share("of any two", "no")).toBeGreaterThan(0.2);
  expect(tally.share("of a tightened one, turned round", "no")).toBeGreaterThan(0.2);
  expect(tally.share("requests that a narrower one", "allows")).toBeGreaterThan(0.3);
  expect(tally.counts("chains of three", "yes")).toBeGreaterThan(1000);
});

/** Not promised by soundness alone: but delegation, and a policy's own meets, rest on these. */
const MUST_BE_NARROWER: ReadonlySet<string> = new Set([
  "of itself",
  "of a meet",
  "of a tightened one",
]);

function open(suite: string, seed: number): { random: Seeded; make: Cases } {
  const random = seeded(suite, seed);
  return { random, make: cases(random) };
}

function triple(random: Seeded, make: Cases) {
  const names = make.names();
  const a = make.grant(names);
  const other = (of: Grant): Grant =>
    random.pick([
      () => make.grant(names),
      () => make.near(of, names),
      () => make.near(make.near(of, names), names),
      () => make.tighter(of, names),
    ])();
  const b = other(a);
  const c = other(random.chance(0.5) ? a : b);
  return { a, b, c, names };
}

function meets(a: readonly Grant[], b: readonly Grant[]): Grant[] {
  return a.flatMap((one) =>
    b.map((other) => meet(one, other)).filter((left) => left !== undefined),
  );
}

/** What the design says of a meet: "`uses` and `expiresIn` take the minimum". */
function limits(grant: Grant | undefined): string {
  return grant === undefined ? "nothing is left" : shown([grant.uses, seconds(grant)]);
}

function hasLowerLimits(child: Grant, parent: Grant): boolean {
  const uses = (child.uses ?? Infinity) <= (parent.uses ?? Infinity);
  return uses && seconds(child) <= seconds(parent);
}

function seconds({ expiresIn = Infinity }: Grant): number {
  if (typeof expiresIn === "number") return expiresIn;
  return Number.parseInt(expiresIn, 10) * (expiresIn.endsWith("m") ? 60 : 1);
}
