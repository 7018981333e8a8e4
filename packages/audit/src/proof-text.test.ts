import { expect, test } from "vitest";
import { signingPair } from "../test/record.ts";
import { subtreeOf } from "../test/trees.ts";
import { leafHash } from "./merkle/hashing.ts";
import { inclusionRanges } from "./merkle/proofs.ts";
import { readCheckpoint, signCheckpoint } from "./note/checkpoint.ts";
import { noteSigner, noteVerifier } from "./note/note.ts";
import { type InclusionProof, proofText, readProof, verifyProof } from "./proof.ts";

const pair = signingPair();
const signer = noteSigner("example.com/audit", pair.key);
const lines = ["", "\u00fb\u00ff\u00be", "line", "more", "last"].map((text) =>
  Buffer.from(text, "latin1"),
);
const hashes = lines.map(leafHash);
const size = lines.length;
const root = subtreeOf(hashes, [0, size]);

function proofOf(index: number, envelope = signCheckpoint({ size, root }, signer)): InclusionProof {
  return {
    line: lines[index]!,
    index,
    hashes: inclusionRanges(index, size).map((range) => subtreeOf(hashes, range)),
    checkpoint: readCheckpoint(envelope)!,
  };
}

const [key, stranger] = [signer.verifier, noteVerifier(signer.verifier.name, signingPair().key)];
const UNSIGNED = "its checkpoint is not signed by the key";
const NOT_KEPT = "its checkpoint is not the one that was kept";

test.each([0, 1, 2, 3, 4])("what is written is read, and holds: line %d", (index) => {
  const proof = proofOf(index);
  const read = readProof(proofText(proof));
  expect(read).toEqual(proof);
  expect(verifyProof(proof, { key })).toBeUndefined();
  expect(verifyProof(proof, { key: stranger })).toBe(UNSIGNED);
});

test("a place may be as far as numbers count", () => {
  const index = Number.MAX_SAFE_INTEGER;
  expect(readProof(proofText({ ...proofOf(0), index }))?.index).toBe(index);
  expect(verifyProof({ ...proofOf(0), index }, { key })).toContain("do not lead");
});

test("another text is none", () => {
  const text = proofText(proofOf(2));
  const cases: readonly (readonly [string, string])[] = [
    ["c2sp", "xc2sp"],
    ["@v1", "@v2"],
    ["extra ", "xextra "],
    ["extra ", "extra  "],
    [`extra ${lines[2]!.toString("base64")}`, `extra ${lines[2]!.toString("base64")} x`],
    ["extra bGluZQ==", "extra bGluZR=="],
    ["extra bGluZQ==", "extra bGluZQ="],
    ["extra bGluZQ==\n", ""],
    ["index 2", "xindex 2"],
    ["index 2", "index 2x"],
    ["index 2", "index 02"],
    ["index 2", "index -2"],
    ["index 2", "index 10000000000000000"],
    ["index 2\n", ""],
    ["\n\n", "\n"],
    ["example.com/audit\n5\n", "example.com/audit\n05\n"],
  ];
  expect(readProof(text)).toBeDefined();
  for (const [from, to] of cases) {
    expect(text).toContain(from);
    expect([from, to, readProof(text.replace(from, to))]).toEqual([from, to, undefined]);
  }
  // Of the hashes too, each has one writing: the last character of one says four bits.
  const [hash = ""] = /^[A-Za-z0-9+/]{43}=$/m.exec(text) ?? [];
  const last = hash.charCodeAt(42);
  const otherwise = `${hash.slice(0, 42)}${String.fromCharCode(last + 1)}=`;
  expect(Buffer.from(otherwise, "base64")).toEqual(Buffer.from(hash, "base64"));
  expect(readProof(text.replace(hash, otherwise))).toBeUndefined();
  expect(readProof("")).toBeUndefined();
  expect(readProof("c2sp.org/tlog-proof@v1")).toBeUndefined();
});

test("without a key and a kept checkpoint, nothing is believed", () => {
  expect(() => verifyProof(proofOf(0), {})).toThrow(TypeError);
});

test("a signature of the key under another log's head is not believed", () => {
  const elsewhere = signer.sign(`other.example\n${size}\n${root.toString("base64")}\n`);
  expect(verifyProof(proofOf(0, elsewhere), { key })).toBe(UNSIGNED);
});

test("a kept checkpoint is the same log's, of as many lines, with the same root", () => {
  const other = noteSigner("other.example", signingPair().key);
  const proof = proofOf(0);
  const kept = (...envelopes: readonly string[]): string | undefined =>
    verifyProof(proof, { kept: envelopes.join("\n") });
  const same = signCheckpoint({ size, root }, signer);
  const differ = [
    signCheckpoint({ size, root: Buffer.alloc(32, 7) }, signer),
    signCheckpoint({ size: size + 1, root }, signer),
    signCheckpoint({ size, root }, other),
  ];
  expect(kept(same)).toBeUndefined();
  for (const envelope of differ) expect(kept(envelope)).toBe(NOT_KEPT);
  expect(kept(...differ)).toBe(NOT_KEPT);
  expect(kept(...differ, same)).toBeUndefined();
  expect(kept("")).toBe(NOT_KEPT);
  expect(verifyProof(proof, { kept: same, key })).toBeUndefined();
  expect(verifyProof(proof, { kept: same, key: stranger })).toBe(UNSIGNED);
  expect(verifyProof(proof, { kept: differ[0], key })).toBe(NOT_KEPT);
});
