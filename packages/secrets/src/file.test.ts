import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentKeyError } from "@agent-keys/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { file } from "./file.ts";
import { secretSourceContract } from "./testing/index.ts";

let directory: string;
let count = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "agent-keys-secrets-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const fresh = (): string => join(directory, `secret-${(count += 1)}`);

function withContent(content: string | Uint8Array, mode = 0o600): string {
  const path = fresh();
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function open() {
  const path = fresh();
  return {
    source: file(path),
    set: (value: string | undefined): void => {
      if (value === undefined) rmSync(path, { force: true });
      else writeFileSync(path, value, { mode: 0o600 });
    },
  };
}

secretSourceContract({ test, open });

/** Why it is refused, behind the name that every reason begins with. */
async function refusal(path: string): Promise<string> {
  const error: unknown = await file(path)
    .read()
    .catch((e: unknown) => e);
  if (!(error instanceof AgentKeyError) || !(error.cause instanceof Error)) throw error;
  expect(error.code).toBe("secret_unavailable");
  const [name, ...why] = error.cause.message.split(`${path}: `);
  expect(name).toBe("file:");
  return why.join("");
}

describe("what a file says", () => {
  test.each([
    ["canary\n", "canary"],
    ["canary\r\n", "canary"],
    ["canary", "canary"],
    ["canary\n\n", "canary\n"],
    ["one\ntwo\n", "one\ntwo"],
    [" canary ", " canary "],
    ["\uFEFFcanary\n", "canary"],
  ])("%j is %j", async (content, value) => {
    expect((await file(withContent(content)).read()).value).toBe(value);
  });

  test.each<[string, string | Uint8Array, string]>([
    ["nothing but a line break", "\n", "the file is empty"],
    ["bytes", new Uint8Array([0xff, 0xfe, 0x41]), "the file is not UTF-8 text"],
    ["UTF-16 without a mark", Buffer.from("canary", "utf16le"), "the file is not UTF-8 text"],
    ["too much", "x".repeat(65_537), "the file is larger than 65536 bytes"],
  ])("%s is refused", async (_, content, why) => {
    expect(await refusal(withContent(content))).toBe(why);
  });

  test("as much as is allowed is read whole", async () => {
    expect((await file(withContent("x".repeat(65_536))).read()).value).toHaveLength(65_536);
  });

  test("a path is taken from where the process was when it was named", async () => {
    const path = withContent("canary");
    const home = process.cwd();
    process.chdir(directory);
    const source = file(path.slice(directory.length + 1));
    process.chdir(home);
    expect((await source.read()).value).toBe("canary");
  });
});

describe("who may read it", () => {
  test.each([0o600, 0o400, 0o700])("mode %o is private", async (mode) => {
    expect((await file(withContent("canary", mode)).read()).value).toBe("canary");
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o660, 0o666])(
    "mode %o is not",
    async (mode) => {
      const why = await refusal(withContent("canary", mode));
      expect(why).toBe("the file is open to group or others; chmod 600 it first");
    },
  );

  test("a mode that was opened later is seen at the next read", async () => {
    const path = withContent("canary");
    const source = file(path);
    await source.read();
    chmodSync(path, 0o644);
    await expect(source.read()).rejects.toMatchObject({ code: "secret_unavailable" });
  });

  test("another user's file is refused", async () => {
    const own = withContent("canary");
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(own, 65_534, 65_534);
    expect(await refusal(isRoot ? own : "/etc/passwd")).toBe("the file belongs to another user");
  });

  function inDirectory(mode: number): string {
    const folder = fresh();
    mkdirSync(folder);
    const path = join(folder, "secret");
    writeFileSync(path, "canary", { mode: 0o600 });
    chmodSync(folder, mode);
    return path;
  }

  test.each([0o1777, 0o775, 0o755, 0o700])("a directory of mode %o is fine", async (mode) => {
    expect((await file(inDirectory(mode)).read()).value).toBe("canary");
  });

  test.each([0o777, 0o703])("in one of mode %o anybody could replace it", async (mode) => {
    const why = "everybody may replace files in its directory; chmod o-w that first";
    expect(await refusal(inDirectory(mode))).toBe(why);
  });

  test("a symbolic link is refused, to a private file too, and so is a dangling one", async () => {
    for (const target of [withContent("canary"), join(directory, "nowhere")]) {
      const link = fresh();
      symlinkSync(target, link);
      expect(await refusal(link)).toBe("is a symbolic link; name the file itself");
    }
  });

  test("a file that a link takes the place of is refused from then on", async () => {
    const path = withContent("canary");
    const source = file(path);
    await source.read();
    renameSync(path, `${path}.moved`);
    symlinkSync(`${path}.moved`, path);
    await expect(source.read()).rejects.toMatchObject({ code: "secret_unavailable" });
  });

  test("a directory, a device or a pipe that nobody writes to is refused at once", async () => {
    const folder = fresh();
    mkdirSync(folder, { mode: 0o700 });
    const pipe = fresh();
    execFileSync("mkfifo", ["-m", "600", pipe]);
    for (const path of [folder, pipe, "/dev/zero"]) {
      expect(await refusal(path)).toBe("is not a file");
    }
  });
});

test("what is not there is said to be not there", async () => {
  expect(await refusal(join(directory, "nowhere"))).toBe("there is no such file");
  expect(await refusal(join(withContent("x"), "y"))).toBe("the file cannot be opened (ENOTDIR)");
});

test.each([undefined, "", "a\0b", 7, new URL("file:///x")])("%j is no path", (given) => {
  expect(() => file(given as string)).toThrow(new TypeError("file: must be the path of a file"));
});
