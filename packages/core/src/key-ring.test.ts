import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { openKeyRing } from "./key-ring.ts";

const jwk = (kid: string) => ({
  ...generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }),
  kid,
});

test("without any key one is made, and each ring has its own", () => {
  const [one, two] = [openKeyRing([]), openKeyRing([])];
  expect(one.find(one.current().kid)).toBe(one.current());
  expect(one.current().kid).not.toBe(two.current().kid);
});

test("of several keys the first signs and all are published, public halves only", () => {
  const ring = openKeyRing([jwk("a"), jwk("b"), jwk("c")]);
  expect(ring.current().kid).toBe("a");
  expect(ring.jwks().keys.map(({ kid }) => kid)).toEqual(["a", "b", "c"]);
  expect(JSON.stringify(ring.jwks())).not.toContain('"d"');
});

test("what is published cannot change the ring", () => {
  const ring = openKeyRing([jwk("a")]);
  const { keys } = ring.jwks();
  Object.assign(keys[0]!, { kid: "changed" });
  keys.length = 0;
  expect(ring.jwks().keys.map(({ kid }) => kid)).toEqual(["a"]);
});

test("a rotated key signs, and the older one verifies until it is retired", () => {
  const ring = openKeyRing([jwk("a")]);
  expect(ring.rotate(jwk("b"))).toBe("b");
  expect(ring.current().kid).toBe("b");
  expect(ring.find("a")?.kid).toBe("a");
  ring.retire("a");
  expect(ring.find("a")).toBeUndefined();
  expect(ring.jwks().keys.map(({ kid }) => kid)).toEqual(["b"]);
  const made = ring.rotate();
  expect(ring.current().kid).toBe(made);
});

test("the key that signs cannot be retired, nor one that is not here", () => {
  const ring = openKeyRing([jwk("a")]);
  expect(() => ring.retire("a")).toThrow(new TypeError("retire: this key signs; rotate first"));
  for (const kid of ["b", "__proto__"]) {
    expect(() => ring.retire(kid)).toThrow(new TypeError("retire: no signing key has this kid"));
  }
});

test("two keys cannot share a kid, and a failed rotation changes nothing", () => {
  const twice = new TypeError("signingKey: two keys have the same kid");
  expect(() => openKeyRing([jwk("a"), jwk("a")])).toThrow(twice);
  const ring = openKeyRing([jwk("a"), jwk("b")]);
  expect(() => ring.rotate(jwk("b"))).toThrow(twice);
  expect(() => ring.rotate("no key")).toThrow(TypeError);
  expect(ring.current().kid).toBe("a");
});

test("an error names which of several keys is wrong, and where a single one came from", () => {
  expect(() => openKeyRing([jwk("a"), {}])).toThrow(/^signingKey\[1\]: not an Ed25519/);
  expect(() => openKeyRing(["{"], "AGENT_KEYS_SIGNING_KEY")).toThrow(
    /^AGENT_KEYS_SIGNING_KEY: not/,
  );
});
