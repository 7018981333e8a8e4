import { expect, test } from "vitest";
import { signingPair } from "../../test/record.ts";
import { readCheckpoint, readCheckpoints, signCheckpoint } from "./checkpoint.ts";
import { noteSigner, readNote } from "./note.ts";

const signer = noteSigner("example.com/audit", signingPair().key);
const root = Buffer.alloc(32, 7);
const encoded = root.toString("base64");
const signed = (size: number): string => signCheckpoint({ size, root }, signer);

test.each([0, 5, 42, Number.MAX_SAFE_INTEGER])("what was signed is read: %d leaves", (size) => {
  const envelope = signed(size);
  expect(readCheckpoint(envelope)).toEqual({
    origin: "example.com/audit",
    size,
    root,
    envelope,
    note: readNote(envelope),
  });
});

test("more lines may stand behind the root, and no blank one", () => {
  expect(readCheckpoint(signer.sign(`a\n1\n${encoded}\nmore\n`))?.size).toBe(1);
  for (const text of [
    `a\n1\n${encoded}\n\nmore\n`,
    `a\n1\n${encoded}\n\n`,
    `a\n1\n`,
    "a\n",
    `a\n\n${encoded}\n`,
    `a\n9007199254740992\n${encoded}\n`,
    `a\n-1\n${encoded}\n`,
    `a\n1.0\n${encoded}\n`,
    `a\n1 \n${encoded}\n`,
    `a\n1\n${encoded} \n`,
    `a\n1\n${encoded.slice(0, -1)}\n`,
  ]) {
    expect([text, readCheckpoint(signer.sign(text))]).toEqual([text, undefined]);
  }
});

test("in a text of many, each is found whole, and every other character is counted", () => {
  const [one, two] = [signed(1), signed(2)];
  const other = noteSigner("witness", signingPair().key);
  const text = one.slice(0, one.indexOf("\n\n") + 1);
  const cosigned = `${one}${other.sign(text).slice(text.length + 1)}`;
  const found = (all: string): unknown => {
    const { checkpoints, other: rest } = readCheckpoints(all);
    return [checkpoints.map(({ envelope }) => envelope), rest];
  };
  expect(found("")).toEqual([[], 0]);
  expect(found(`${one}\n\n${cosigned}\n${two}`)).toEqual([[one, cosigned, two], 0]);
  expect(found(`x\n\n${one}\nabc\n\n${two}\nde`)).toEqual([[one, two], 6]);
  // What only looks like one counts with its line ends.
  const torn = one.replace("\n1\n", "\n01\n");
  expect(found(`x\n\n${torn}y`)).toEqual([[], torn.length + 2]);
  expect(found(`${one}— \n`)).toEqual([[], one.length + 3]);
  expect(found("a\n1\n\n— b\n")).toEqual([[], 5]);
  expect(found(`a\n1\n${encoded}\n\n`)).toEqual([[], 2 + encoded.length]);
});
