import { describe, expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { equivalent } from "./equivalent.ts";
import { mutantsOf } from "./mutants.ts";
import { allMutants, type Fate, survey } from "./survey.ts";
import { root, targets } from "./targets.ts";

/** What of all mutants is tried here; `npm run test:mutation` tries each. */
const SHARE = 1 / 8;

describe("no mutant of the decision code survives its unit tests", () => {
  const names = allMutants(targets, root);

  test("each listed as equivalent exists, and once", () => {
    expect(new Set(names).size).toBe(names.length);
    expect([...equivalent.keys()].filter((name) => !names.includes(name))).toEqual([]);
    expect([...equivalent.values()].filter((reason) => reason.length < 20)).toEqual([]);
  });

  test("a share of them, drawn by chance", async () => {
    const random = seeded("mutants", 2_027);
    const drawn = new Set(names.filter(() => random.chance(SHARE)));
    const fates = await survey(targets, { root, processes: 2, chosen: (name) => drawn.has(name) });
    expect(fates).toHaveLength(drawn.size);
    const alive = fates.filter(({ fate }) => fate === "survived").map(({ name }) => name);
    console.log(`${drawn.size} of ${names.length} mutants, ${alive.length} equivalent`);
    expect(alive.filter((name) => !equivalent.has(name))).toEqual([]);
    const killed = fates.filter(({ fate }) => fate !== "survived").map(({ name }) => name);
    expect(killed.filter((name) => equivalent.has(name))).toEqual([]);
  });
});

describe("the runner", () => {
  const here = new URL("./sample/", import.meta.url);
  const own = [{ source: "gate-keeper", tests: ["gate-keeper"] }];

  test("tells of a mutant that survives, and of one under which the tests never end", async () => {
    const fates = await survey(own, { root: here, processes: 1, patienceMs: 6_000 });
    const named = (fate: Fate["fate"]): readonly string[] =>
      fates.filter((one) => one.fate === fate).map(({ name }) => name);
    expect(named("survived")).toEqual([
      "gate-keeper mayEnter: >= → >",
      "gate-keeper mayEnter: 18 → 19",
    ]);
    expect(named("hangs")).toContain("gate-keeper countdown: -= → +=");
    expect(named("killed")).toContain("gate-keeper mayEnter: banned → false");
    expect(named("killed")).toContain("gate-keeper mayEnter: 18 → 17");
  });

  test("believes no test that fails without a mutant", async () => {
    const broken = [{ source: "gate-keeper", tests: ["gate-keeper", "missing"] }];
    await expect(survey(broken, { root: here, processes: 1 })).rejects.toThrow(
      "gate-keeper.ts: without a mutant, as they are, the tests: not loaded",
    );
  });

  test("changes one thing at a time, and neither types nor words", () => {
    const source = `type A = 1 | 2;\nexport const f = (a: A): boolean => a < 2 && !g(a);\n`;
    const changed = mutantsOf("a.ts", source).map(({ id }) => id);
    expect(changed).toContain("f: < → <=");
    expect(changed).toContain("f: !g(a) → (g(a))");
    expect(changed).toContain("f: a < 2 && !g(a) → (a < 2)");
    expect(changed.filter((id) => id.includes("1 | 2"))).toEqual([]);
    expect(mutantsOf("a.ts", 'throw new TypeError("a" + b);').map(({ id }) => id)).toEqual([
      'module: throw new TypeError("a" + b); → ;',
    ]);
  });
});
