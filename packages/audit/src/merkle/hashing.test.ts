import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { EMPTY_ROOT, leafHash, nodeHash } from "./hashing.ts";

const sha256 = (...parts: Buffer[]): Buffer =>
  createHash("sha256").update(Buffer.concat(parts)).digest();

test("a leaf and a node of the same bytes have different hashes, each with its own prefix", () => {
  const [left, right] = [leafHash(Buffer.from("a")), leafHash(Buffer.from("b"))];
  const both = Buffer.concat([left, right]);
  expect(nodeHash(left, right)).toEqual(sha256(Buffer.of(1), both));
  expect(leafHash(both)).toEqual(sha256(Buffer.of(0), both));
});

test.each([0, 1, 8_191, 8_192, 8_193, 100_000, 3])("a leaf may have %d bytes", (length) => {
  const leaf = Buffer.alloc(length, 0xab);
  expect(leafHash(leaf)).toEqual(sha256(Buffer.of(0), leaf));
});

test("the tree without leaves has the hash of nothing", () => {
  expect(EMPTY_ROOT).toEqual(sha256());
});
