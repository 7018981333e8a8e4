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

test("what takes the place of what was owed is what Redis is told", () => {
  const known = open();
  known.loaded([], at(0));
  const first = known.begin("revoke", a).owed;
  const { owed, replaced } = known.begin("restore", a);
  expect(replaced).toBe(first);
  expect(untold(known)).toEqual(["restore a"]);
  // It was on its way when it was replaced.
  expect(known.told(first, at(1))).toEqual([]);
  expect(untold(known)).toEqual(["restore a"]);
  expect(known.told(owed, at(2))).toEqual([{ act: "lifted", revocation: a }]);
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
