import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AuditEvent, parseLine, segmentsOf } from "@agent-keys/core/audit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sigstoreIncludes } from "../test/not-ours.ts";
import { choices, signingPair, temporaryDirectory, writerTo } from "../test/record.ts";
import { noteVerifier } from "./note/note.ts";
import { proofText, readProof, verifyProof } from "./proof.ts";
import { checkpointFile } from "./tree/checkpoint-record.ts";
import { proveEvent } from "./tree/prove-event.ts";

const { key, publicKey } = signingPair();
const options = { key, origin: "example.com/audit" };
const verifier = noteVerifier(options.origin, publicKey);
const directory = temporaryDirectory();
const path = join(directory.path, "audit.jsonl");
let events: AuditEvent[];
let early = "";

beforeAll(async () => {
  using writer = writerTo(path, { maxBytes: 9_000, keep: 4 });
  for (let round = 0; round < 8; round += 1) {
    writer.calls(8);
    const { envelope = "" } = (await checkpointFile(path, options)) ?? {};
    if (round === 6) early = envelope;
  }
  const files = [...segmentsOf(path), path];
  const lines = files.flatMap((file) => readFileSync(file, "utf8").trimEnd().split("\n"));
  events = lines.flatMap((line) => parseLine(line) ?? []);
});
afterAll(() => directory[Symbol.dispose]());

test("of each event there is a proof that holds alone, by another implementation too", () => {
  expect(events.length).toBeGreaterThan(50);
  for (const { id } of events) {
    const text = proofText(proveEvent(path, id)!);
    const proof = readProof(text)!;
    expect(verifyProof(proof, { key: verifier })).toBeUndefined();
    expect(parseLine(proof.line.toString("utf8"))?.id).toBe(id);
    const { line: leaf, index, hashes, checkpoint } = proof;
    expect(sigstoreIncludes({ leaf, index, proof: hashes, ...checkpoint })).toBe(true);
  }
});

test("it is the text of C2SP's tlog-proof", () => {
  const text = proofText(proveEvent(path, events[0]!.id)!);
  const [head = "", ...checkpoint] = text.split("\n\n");
  expect(head).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex \d+(?:\n[A-Za-z0-9+/]{43}=)+$/);
  expect(readFileSync(`${path}.checkpoints`, "utf8")).toContain(checkpoint.join("\n\n"));
});

test("any byte of it that is another one is found", () => {
  const text = proofText(proveEvent(path, events.at(-1)!.id)!);
  const bytes = Buffer.from(text);
  const below = choices(5);
  const missed: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const mutated = Buffer.from(bytes);
    mutated[at]! ^= 1 + below(255);
    const proof = readProof(mutated.toString("utf8"));
    if (proof !== undefined && verifyProof(proof, { key: verifier }) === undefined) missed.push(at);
  }
  expect(missed).toEqual([]);
});

test("it is believed by a key, or by a checkpoint that was kept, and by nothing less", () => {
  const proof = proveEvent(path, events[0]!.id)!;
  expect(() => verifyProof(proof, {})).toThrow(TypeError);
  expect(verifyProof(proof, { kept: readFileSync(`${path}.checkpoints`, "utf8") })).toBeUndefined();
  expect(verifyProof(proof, { kept: early })).toContain("not the one that was kept");
  const stranger = noteVerifier(options.origin, signingPair().publicKey);
  expect(verifyProof(proof, { key: stranger })).toContain("not signed");
  const forged = { ...proof, line: Buffer.from("{}") };
  expect(verifyProof(forged, { key: verifier })).toContain("do not lead");
});

test("what no checkpoint covers has none, and what is not there has none", async () => {
  expect(proveEvent(path, "no such id")).toBeUndefined();
  expect(() => proveEvent(path, events.at(-1)!.id, { kept: early })).toThrow(
    "no checkpoint covers",
  );
  using writer = writerTo(path);
  writer.calls(1);
  const last = parseLine(readFileSync(path, "utf8").trimEnd().split("\n").at(-1) ?? "");
  expect(() => proveEvent(path, last?.id ?? "")).toThrow("no checkpoint covers");
  await checkpointFile(path, options);
  expect(proveEvent(path, last?.id ?? "")).toBeDefined();
});

test("none is made of a record that is not what was signed", () => {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace("repo-bot", "evil-bot"));
  const later = events.at(-1)!.id;
  expect(() => proveEvent(path, later)).toThrow("not what the checkpoint was signed over");
  writeFileSync(path, text);
  expect(proveEvent(path, later)).toBeDefined();
});
