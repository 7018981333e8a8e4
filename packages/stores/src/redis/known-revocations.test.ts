import type { Revocation } from "@agent-keys/core";
import { expect, test } from "vitest";
import { type KnownRevocations, knownRevocations } from "./known-revocations.ts";

const NOW = Date.UTC(2026, 0, 1);
const revocation = (agent: string): Revocation => ({ selector: { agent }, iss: "i", atMs: NOW });
const [a, b, c] = [revocation("a"), revocation("b"), revocation("c")];
const nothing = { epoch: "", stands: new Map(), owed: new Map() };

const open = (remembered = nothing): KnownRevocations => knownRevocations(remembered, () => NOW);
const at = (number: number, epoch = "e1") => ({ epoch, number });
const standing = ({ index }: KnownRevocations): readonly unknown[] =>
  index.revocations().map(({ selector }) => Object.values(selector)[0] as unknown);
const untold = (known: KnownRevocations): readonly string[] =>
  known.untold().map(({ act, revocation: { selector } }) => `${act} ${Object.values(selector)[0]}`);

test("of the same epoch, what Redis lacks was restored; of another, it may have been forgotten", () => {
  const known = open();
  known.loaded([a, b], at(2));
  known.loaded([b], at(3));
  expect([standing(known), untold(known)]).toEqual([["b"], []]);
  known.loaded([c], at(0, "e2"));
  expect([standing(known), untold(known)]).toEqual([["c", "b"], ["revoke b"]]);
});

test("what was begun here stands over whatever comes in, until Redis has it", () => {
  const known = open();
  known.loaded([a], at(1));
  const revoke = known.begin("revoke", b).owed;
  const restore = known.begin("restore", a).owed;
  expect(standing(known)).toEqual(["b"]);
  known.heard("revoke", a, at(2));
  known.loaded([a], at(2));
  expect([standing(known), untold(known)]).toEqual([["b"], ["revoke b", "restore a"]]);
  known.told(revoke, at(3));
  known.told(restore, at(4));
  expect(untold(known)).toEqual([]);
  // An answer that is older than it comes in after it.
  known.loaded([a], at(2));
  expect(standing(known)).toEqual(["b"]);
  known.loaded([b], at(4));
  expect(standing(known)).toEqual(["b"]);
  known.heard("restore", b, at(5));
  expect(standing(known)).toEqual([]);
});

test("what Redis was told, and forgot, is owed again; a restoration is not", () => {
  const known = open();
  known.loaded([a], at(1));
  known.told(known.begin("revoke", b).owed, at(2));
  known.told(known.begin("restore", a).owed, at(3));
  known.loaded([a], at(0, "e2"));
  expect(untold(known)).toEqual(["revoke b"]);
  expect(standing(known)).toEqual(["a", "b"]);
});

test("a revocation by id that no key can outlive is owed no more", () => {
  const old = { selector: { id: "k" }, iss: "i", atMs: NOW - 20 * 60_000 - 1 } as const;
  const known = open({ epoch: "e0", stands: new Map([["old", old]]), owed: new Map() });
  known.loaded([], at(0));
  expect(untold(known)).toEqual([]);
});

test.each(["revoke", "restore"] as const)("to %s twice is told once", (act) => {
  const known = open();
  known.loaded([a], at(0));
  const first = known.begin(act, a).owed;
  const { owed, replaced } = known.begin(act, a);
  expect(replaced).toBe(first);
  expect(untold(known)).toEqual([`${act} a`]);
  // It was on its way when it was replaced.
  expect(known.told(first, at(1))).toEqual([]);
  expect(untold(known)).toEqual([`${act} a`]);
  const line = { act: act === "revoke" ? "stands" : "lifted", revocation: a };
  expect(known.told(owed, at(2))).toEqual([line]);
  expect(untold(known)).toEqual([]);
});

test("what was revoked and restored in turn is told in that order", () => {
  const known = open();
  known.loaded([], at(0));
  const first = known.begin("revoke", a).owed;
  const lifting = known.begin("restore", a).owed;
  expect(standing(known)).toEqual([]);
  known.begin("revoke", a);
  expect(untold(known)).toEqual(["revoke a", "restore a", "revoke a"]);
  // The journal goes on owing what Redis was not told.
  expect(known.told(first, at(1))).toEqual([
    { act: "stands", revocation: a },
    { act: "revoke", revocation: a },
  ]);
  known.forget(lifting);
  expect([standing(known), untold(known)]).toEqual([["a"], ["revoke a"]]);
});

test("a restoration that is forgotten leaves what stood before it, and what came since", () => {
  const known = open();
  known.loaded([a], at(1));
  known.begin("revoke", b);
  const [liftA, liftB, liftC] = [a, b, c].map((one) => known.begin("restore", one).owed);
  expect(standing(known)).toEqual([]);
  // Somebody else's, while it waits: it is heard of, and written down.
  expect(known.heard("revoke", c, at(2))).toEqual([{ act: "stands", revocation: c }]);
  expect(standing(known)).toEqual([]);
  for (const lift of [liftA, liftB, liftC]) known.forget(lift!);
  expect(new Set(standing(known))).toEqual(new Set(["a", "b", "c"]));
  expect(untold(known)).toEqual(["revoke b"]);
  // An answer that comes after it was given up.
  expect(known.told(liftA!, at(3))).toEqual([]);
  expect(new Set(standing(known))).toEqual(new Set(["a", "b", "c"]));
  // Redis had it all the same: what it says is so.
  expect(known.heard("restore", a, at(3))).toEqual([{ act: "lifted", revocation: a }]);
  expect(new Set(standing(known))).toEqual(new Set(["b", "c"]));
});

test("what Redis forgot while a restoration waits is owed before it, and stands if that fails", () => {
  const known = open();
  known.loaded([a], at(1));
  const lifting = known.begin("restore", a).owed;
  known.loaded([], at(0, "e2"));
  expect([standing(known), untold(known)]).toEqual([[], ["revoke a", "restore a"]]);
  known.forget(lifting);
  expect([standing(known), untold(known)]).toEqual([["a"], ["revoke a"]]);
});

test("what is new is written down: what stands, what does not, and since when", () => {
  const known = open();
  expect(known.loaded([a], at(1))).toEqual([
    { act: "stands", revocation: a },
    { act: "epoch", epoch: "e1" },
  ]);
  expect(known.heard("revoke", b, at(2))).toEqual([{ act: "stands", revocation: b }]);
  expect(known.heard("revoke", b, at(3))).toEqual([]);
  expect(known.loaded([a], at(4))).toEqual([{ act: "lifted", revocation: b }]);
});
