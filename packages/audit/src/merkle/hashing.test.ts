import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { leafHash, nodeHash } from "./hashing.ts";

test("a leaf and a node of the same bytes have different hashes, each with its own prefix", () => {
  const [left, right] = [leafHash(Buffer.from("a")), leafHash(Buffer.from("b"))];
  const both = Buffer.concat([left, right]);
  const sha256 = (...parts: Buffer[]): Buffer =>
    createHash("sha256").update(Buffer.concat(parts)).digest();
  expect(nodeHash(left, right)).toEqual(sha256(Buffer.of(1), both));
  expect(leafHash(both)).toEqual(sha256(Buffer.of(0), both));
});
