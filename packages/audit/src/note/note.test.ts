import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { sigstoreCheckpoint } from "../../test/not-ours.ts";
import { choices, signingPair } from "../../test/record.ts";
import { readCheckpoint, readCheckpoints, signCheckpoint } from "./checkpoint.ts";
import { isSignedBy, noteSigner, noteVerifier, readNote, verifierText } from "./note.ts";

const { key, publicKey } = signingPair();
const signer = noteSigner("example.com/audit", key);
const root = Buffer.alloc(32, 7);
const envelope = signCheckpoint({ size: 42, root }, signer);

// From the specification, https://c2sp.org/signed-note, and golang.org/x/mod/sumdb/note.
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE =
  "If you think cryptography is the answer to your problem,\n" +
  "then you don't know what your problem is.\n" +
  "\n" +
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

test("a note that Go's library signed is taken, with the key as Go writes it", () => {
  const verifier = noteVerifier(GO_KEY);
  const note = readNote(GO_NOTE);
  expect(note && isSignedBy(note, verifier)).toBe(true);
  expect(verifierText(verifier)).toBe(GO_KEY);
  const changed = readNote(GO_NOTE.replace("don't", "do"));
  expect(changed && isSignedBy(changed, verifier)).toBe(false);
});

test("a checkpoint is the text of C2SP's tlog-checkpoint, and sigstore takes it", () => {
  const [origin, size, hash, blank, signature, end] = envelope.split("\n");
  expect([origin, size, hash, blank, end]).toEqual([
    "example.com/audit",
    "42",
    root.toString("base64"),
    "",
    "",
  ]);
  expect(signature).toMatch(/^— example\.com\/audit [A-Za-z0-9+/]{91}=$/);
  const { name, keyId } = signer.verifier;
  const log = { name, id: keyId, publicKey: createPublicKey(publicKey) };
  expect(sigstoreCheckpoint(envelope, log)).toEqual({ origin: name, size: 42, root });
  expect(() => sigstoreCheckpoint(envelope.replace("42", "43"), log)).toThrow("signature");
});

test("any byte that is another one is found", () => {
  const bytes = Buffer.from(envelope);
  const below = choices(1);
  const verifier = noteVerifier("example.com/audit", publicKey);
  for (let at = 0; at < bytes.length; at += 1) {
    const mutated = Buffer.from(bytes);
    mutated[at]! ^= 1 + below(255);
    const read = readCheckpoint(mutated.toString("utf8"));
    expect(read !== undefined && isSignedBy(read.note, verifier), `byte ${at}`).toBe(false);
  }
  const whole = readCheckpoint(envelope);
  expect(whole !== undefined && isSignedBy(whole.note, verifier)).toBe(true);
});

test("another's signature beside ours is passed over, a false one of ours is not", () => {
  const other = noteSigner("witness.example", signingPair().key);
  const text = envelope.slice(0, envelope.indexOf("\n\n") + 1);
  const [, , theirs] = /()(\n)(— .*\n)$/.exec(other.sign(text)) ?? [];
  const line = other.sign(text).slice(text.length + 1);
  const cosigned = readNote(envelope + line);
  expect(theirs).toBe("\n");
  expect(cosigned && isSignedBy(cosigned, signer.verifier)).toBe(true);
  const wrong = signCheckpoint({ size: 43, root }, signer).split("\n").at(-2);
  const both = readNote(`${envelope}${wrong}\n`);
  expect(both && isSignedBy(both, signer.verifier)).toBe(false);
  const none = readNote(`${text}\n${line}`);
  expect(none && isSignedBy(none, signer.verifier)).toBe(false);
});

test.each([
  ["a leading zero", "a\n01\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"],
  [
    "a size beyond what is counted",
    "a\n99999999999999999\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
  ],
  ["a short root", "a\n1\nBwc=\n"],
  ["a root that is written otherwise", "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd=\n"],
  ["no origin", "\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"],
  ["a control character", "a\tb\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"],
])("a text with %s is no checkpoint", (_, text) => {
  expect(readCheckpoint(signer.sign(text))).toBeUndefined();
});

test("many in one text are found, and what is none is counted", () => {
  const more = signCheckpoint({ size: 43, root }, signer);
  const found = readCheckpoints(`${envelope}\n${more}`);
  expect(found.checkpoints.map(({ size }) => size)).toEqual([42, 43]);
  expect(found.other).toBe(0);
  const torn = readCheckpoints(`${envelope}\n${more.slice(0, 30)}\n${more}`);
  expect(torn.other).toBeGreaterThan(0);
});

test("two keys of one name are told apart: what the other signed is passed over", () => {
  const text = "text\n";
  const [old, next] = [signer, noteSigner(signer.verifier.name, signingPair().key)];
  const note = readNote(`${old.sign(text)}${next.sign(text).slice(text.length + 1)}`);
  expect(note?.signatures).toHaveLength(2);
  for (const { verifier } of [old, next]) expect(note && isSignedBy(note, verifier)).toBe(true);
});

test("what is no note is none, however near it is to one", () => {
  const line = envelope.split("\n").at(-2) ?? "";
  const withLine = (one: string): string => `a\n\n${one}\n`;
  expect(readNote(withLine(line))?.signatures).toHaveLength(1);
  // Of another type than ours: as few as one byte behind the key's id, with each padding there is.
  for (const bytes of [5, 6, 7]) {
    const encoded = Buffer.alloc(bytes, 0xff).toString("base64");
    const note = readNote(withLine(`— a ${encoded}`));
    expect(note?.signatures).toEqual([
      { name: "a", keyId: Buffer.alloc(4, 0xff), signature: Buffer.alloc(bytes - 4, 0xff) },
    ]);
  }
  for (const bad of [
    `x${line}`,
    `${line} x`,
    `${line}=`,
    "— a /////w==",
    "— a //////9=",
    "— a AAAAAA==",
    "— a AAAAAA",
    "— a+b AAAAAAA=",
    "—  AAAAAAA=",
    "— a ",
    "",
    "x",
  ]) {
    expect([bad, readNote(withLine(bad))]).toEqual([bad, undefined]);
    expect([bad, readNote(withLine(`${line}\n${bad}`))]).toEqual([bad, undefined]);
  }
  expect(readNote(`x${line}\n`)).toBeUndefined();
  expect(readNote(`a\n\n${line}`)).toBeUndefined();
  expect(readNote(`\u001fa\n\n${line}\n`)).toBeUndefined();
  expect(readNote(`a\u001f\n\n${line}\n`)).toBeUndefined();
});

test("a note may have blank lines in its text, and 64 signatures", () => {
  expect(readNote(signer.sign("a\n\nb\n"))?.text).toBe("a\n\nb\n");
  expect(readNote(signer.sign("\n"))?.text).toBe("\n");
  const line = `${envelope.split("\n").at(-2)}\n`;
  expect(readNote(`a\n\n${line.repeat(64)}`)?.signatures).toHaveLength(64);
  expect(readNote(`a\n\n${line.repeat(65)}`)).toBeUndefined();
});

test("a key may be an object, and a private one is taken for its public half", () => {
  const pair = generateKeyPairSync("ed25519");
  const own = noteSigner("a", pair.privateKey);
  const note = readNote(own.sign("text\n"));
  for (const half of [pair.privateKey, pair.publicKey]) {
    const verifier = noteVerifier("a", half);
    expect(verifier.publicKey.type).toBe("public");
    expect(note && isSignedBy(note, verifier)).toBe(true);
  }
  expect(note && isSignedBy(note, noteVerifier("b", pair.publicKey))).toBe(false);
});

test("a verifier's text is taken as it is written, and in no other way", () => {
  const der = Buffer.concat([
    createPublicKey(publicKey).export({ format: "der", type: "spki" }).subarray(0, 12),
    Buffer.alloc(32, 0xfb),
  ]);
  const odd = noteVerifier("a", createPublicKey({ key: der, format: "der", type: "spki" }));
  expect(verifierText(odd)).toContain("+/");
  expect(noteVerifier(` ${verifierText(odd)}\n`).keyId).toEqual(odd.keyId);
  const [name, id, encoded = ""] = GO_KEY.split("+");
  for (const bad of [
    `x+${GO_KEY}`,
    `+${id}+${encoded}`,
    `${id}+${encoded}`,
    `${GO_KEY}=`,
    `${GO_KEY}A`,
    `${GO_KEY}!`,
    GO_KEY.slice(0, -1),
    `${name}+${id}0+${encoded}`,
    `${name}+${id}+B${encoded.slice(1)}`,
    "",
  ]) {
    expect(() => noteVerifier(bad)).toThrow("a verifier key is <name>+<key id>+<key>");
  }
});

test("a key of another kind signs nothing, and verifies nothing", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const none = "checkpoints are signed with a private Ed25519 key";
  expect(() => noteSigner("a", rsa.privateKey)).toThrow(none);
  expect(() => noteSigner("a", createPublicKey(publicKey))).toThrow(none);
  expect(() => noteVerifier("a", rsa.publicKey)).toThrow("not an Ed25519 public key");
  expect(() => noteSigner("", key)).toThrow("origin: a name");
  expect(() => noteSigner("a", "secret-text")).toThrow("the key cannot be read");
});

test("a key or a name that is none is a TypeError, which does not quote the key", () => {
  expect(() => noteSigner("two words", key)).toThrow("origin: a name");
  expect(() => noteSigner("a+b", key)).toThrow(TypeError);
  expect(() => noteSigner("a", publicKey)).toThrow(TypeError);
  expect(() => noteSigner("a", "secret-text")).toThrow(/^((?!secret-text).)*$/);
  expect(() => noteVerifier("a+00000000+x")).toThrow(TypeError);
  expect(() => noteVerifier(GO_KEY.replace("c74f20a3", "c74f20a4"))).toThrow("key's id");
});
