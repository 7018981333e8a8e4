import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as AiSdk from "@agent-keys/ai-sdk";
import type * as Core from "@agent-keys/core";
import { createAgentKeys, currentKey, memorySink } from "@agent-keys/core";
import type * as LangChain from "@agent-keys/langchain";
import { tool as langchainTool } from "@langchain/core/tools";
import { tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";

// A version range, a lockfile or a bundler can bring the adapters a core of their own.

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

let folder: string;
let aiSdk: typeof AiSdk;
let langchain: typeof LangChain;
let secondCore: typeof Core;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-keys-second-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "@agent-keys"), { recursive: true });
  for (const name of ["jose", "zod"]) {
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
  const load = async <T>(name: string): Promise<T> => {
    const copy = join(modules, "@agent-keys", name);
    await cp(join(root, "packages", name, "dist"), join(copy, "dist"), { recursive: true });
    await cp(join(root, "packages", name, "package.json"), join(copy, "package.json"));
    return (await import(pathToFileURL(join(copy, "dist/index.js")).href)) as T;
  };
  secondCore = await load("core");
  aiSdk = await load("ai-sdk");
  langchain = await load("langchain");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function start() {
  const sink = memorySink();
  const policy = {
    bot: { allow: [{ scope: "a:*", where: { owner: { in: ["acme"], optional: true as const } } }] },
  };
  return { sink, keys: createAgentKeys({ agent: "bot", policy, audit: sink }) };
}

const types = ({ sink }: ReturnType<typeof start>) =>
  sink.events.map((event) => ("code" in event ? `${event.type} ${event.code}` : event.type));

test("it is another copy indeed", () => {
  expect(secondCore.createAgentKeys).not.toBe(createAgentKeys);
});

describe("an adapter with a core of its own", () => {
  test("runs a tool under the key that the first core knows", async () => {
    const setup = start();
    const tools = aiSdk.wrapTools(
      { get: tool({ inputSchema: z.object({}), execute: () => currentKey()?.id }) },
      { keys: setup.keys, scopes: { get: "a:read" } },
    );
    const id = await tools.get.execute?.({}, { toolCallId: "c1", messages: [], context: {} });
    expect(setup.sink.events).toMatchObject([{ keyId: id }, { keyId: id, outcome: "ok" }]);
  });

  test("puts a refusal on record", () => {
    const setup = start();
    let ran = false;
    const tools = aiSdk.wrapTools(
      {
        get: tool({
          inputSchema: z.object({ owner: z.string() }),
          execute: () => {
            ran = true;
          },
        }),
      },
      { keys: setup.keys, scopes: { get: "a:read" } },
    );
    const call = async () =>
      tools.get.execute?.({ owner: "evil" }, { toolCallId: "c1", messages: [], context: {} });
    return expect(call())
      .rejects.toMatchObject({ code: "constraint_failed" })
      .then(() => {
        expect(ran).toBe(false);
        expect(types(setup)).toEqual(["key.denied constraint_failed"]);
      });
  });

  test("runs a generator to its end under the key", async () => {
    const setup = start();
    const seen: (string | undefined)[] = [];
    const tools = aiSdk.wrapTools(
      {
        stream: tool({
          inputSchema: z.object({}),
          async *execute() {
            seen.push(currentKey()?.id);
            yield 1;
            seen.push(currentKey()?.id);
          },
        }),
      },
      { keys: setup.keys, scopes: { stream: "a:read" } },
    );
    const result = tools.stream.execute?.({}, { toolCallId: "c1", messages: [], context: {} });
    for await (const step of result as AsyncIterable<number>) expect(step).toBe(1);
    const [minted] = setup.sink.events;
    const id = minted?.type === "key.minted" ? minted.keyId : "";
    expect(seen).toEqual([id, id]);
    expect(types(setup)).toEqual(["key.minted", "key.closed"]);
  });

  test("marks a refusal so that LangChain does not try again, and delegates from its key", async () => {
    const setup = start();
    const [get] = langchain.wrapTools(
      [
        langchainTool(
          () => {
            const parent = secondCore.requireKey();
            return setup.keys.for({ agent: "bot", parent }).mint("a:read").parentId;
          },
          { name: "get", schema: z.object({ owner: z.string().optional() }) },
        ),
      ],
      { keys: setup.keys, scopes: { get: "a:read" } },
    );
    const refusal: unknown = await get?.invoke({ owner: "evil" }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: "constraint_failed",
      [Symbol.for("langchain.errors.retryable")]: false,
    });
    const parentId: unknown = await get?.invoke({});
    expect(setup.sink.events).toMatchObject([
      { type: "key.denied", code: "constraint_failed" },
      { type: "key.minted", keyId: parentId },
      { type: "key.minted", parentId },
      { type: "key.closed", keyId: parentId },
    ]);
  });

  test("asks for a key where there is none by the same code", () => {
    expect(() => secondCore.requireKey()).toThrow(expect.objectContaining({ code: "no_key" }));
  });
});
