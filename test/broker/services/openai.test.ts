import type { AgentKey } from "@agent-keys/core";
import { defineOpenai, type GrantFor, type openai } from "@agent-keys/broker/services";
import OpenAI, { APIError, RateLimitError, toFile } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { access, type Agent, openAgent, USES, type Way } from "./agent.ts";
import { OPENAI_KEY, openOpenai, SOUND, type Streams } from "./openai-vendor.ts";
import type { Vendor } from "./vendor.ts";

const MODEL = "gpt-5-mini";
const allow: readonly GrantFor<typeof openai>[] = [
  { scope: "openai:responses.create", where: { model: MODEL, max_output_tokens: { max: 500 } } },
  {
    scope: "openai:chat.completions.create",
    where: {
      model: MODEL,
      messages: { any: true },
      stream: { any: true, optional: true },
      n: { max: 1, optional: true },
    },
    only: true,
  },
  { scope: "openai:embeddings.create", where: { model: { prefix: "text-embedding-3-" } } },
  { scope: "openai:audio.*" },
  { scope: "openai:files.*" },
  { scope: "openai:images.create", where: { model: "gpt-image-1" } },
];

const streams: Streams = { onFirst: (proceed) => proceed(), ended: false };
let vendor: Vendor;
let agent: Agent;

beforeAll(async () => {
  vendor = await openOpenai(streams);
  agent = await openAgent({
    services: [defineOpenai({ baseUrl: `${vendor.url}/v1`, network: "private" })],
    credentials: { openai: OPENAI_KEY },
    policy: { bot: { allow } },
  });
});

afterAll(async () => {
  await Promise.all([agent, vendor].map((one) => one[Symbol.asyncDispose]()));
});

beforeEach(() => {
  (vendor.seen as unknown[]).length = 0;
  (vendor.strangers as unknown[]).length = 0;
});

function client(way: Way, key: AgentKey): OpenAI {
  const { url, token, fetch } = access(way, key, "openai", `${vendor.url}/v1`);
  return new OpenAI({
    apiKey: token,
    baseURL: url,
    organization: "org-of-somebody",
    maxRetries: 0,
    ...(fetch === undefined ? {} : { fetch }),
  });
}

async function failure(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => "resolved",
    (error: unknown) => error,
  );
}

const question = { model: MODEL, input: "hi “there”", max_output_tokens: 500 };
const messages = [{ role: "user" as const, content: "hi" }];

describe.each(USES)("the OpenAI client in a wrapped tool (%s), by %s", (framework, way) => {
  const run = <T>(grants: string, body: (openai: OpenAI) => Promise<T>): Promise<T> =>
    agent.inTool(framework, grants, (key) => body(client(way, key)));

  test("asks a model with the real credential, on nobody else's account", async () => {
    const { data, response, request_id } = await run("openai:responses.create", (openai) =>
      openai.responses.create(question).withResponse(),
    );
    expect(data.output_text).toBe("echo: hi “there”");
    expect(request_id).toBe("req_42");
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("99");
    expect(JSON.parse(vendor.seen[0]?.body.toString() ?? "")).toEqual(question);
    expect(vendor.seen[0]?.headers).not.toHaveProperty("openai-organization");
    expect(vendor.strangers).toEqual([]);
  });

  test.each(["responses", "chat"] as const)(
    "%s stream: what has come is there before the vendor is done",
    async (kind) => {
      const proceeding = Promise.withResolvers<() => void>();
      streams.onFirst = proceeding.resolve;
      const scope = kind === "chat" ? "openai:chat.completions.create" : "openai:responses.create";
      const { texts, endedAtFirst } = await run(scope, async (openai) => {
        const stream = kind === "chat" ? await chatTexts(openai) : await responseTexts(openai);
        const texts: string[] = [];
        let endedAtFirst: boolean | undefined;
        for await (const text of stream) {
          if (texts.length === 0) {
            endedAtFirst = streams.ended;
            (await proceeding.promise)();
          }
          texts.push(text);
        }
        return { texts, endedAtFirst };
      });
      expect(endedAtFirst).toBe(false);
      expect(texts.join("")).toBe("Hello wörld");
    },
  );

  test("embeddings, which come in base64", async () => {
    const { data } = await run("openai:embeddings.create", (openai) =>
      openai.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] }),
    );
    expect(data.map(({ embedding }) => embedding)).toEqual([
      [0.5, -0.25],
      [0.5, -0.25],
    ]);
  });

  test("uploads a file as multipart", async () => {
    const uploaded = await run("openai:files.write", async (openai) =>
      openai.files.create({
        file: await toFile(Buffer.from("a\r\nb"), "a.jsonl"),
        purpose: "batch",
      }),
    );
    expect(uploaded).toMatchObject({ id: "file-1", purpose: "batch" });
    expect(vendor.seen[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    expect(vendor.seen[0]?.body.toString()).toContain("\r\n\r\na\r\nb\r\n");
  });

  test("sends sound and gets sound, byte by byte", async () => {
    const text = await run("openai:audio.transcriptions.create", async (openai) => {
      const file = await toFile(SOUND, "a.mp3");
      return (await openai.audio.transcriptions.create({ file, model: "whisper-1" })).text;
    });
    expect(Buffer.from(text, "latin1")).toEqual(Buffer.from(SOUND));
    const spoken = await run("openai:audio.speech.create", async (openai) => {
      const asked = { model: "gpt-4o-mini-tts", voice: "alloy", input: "hi" } as const;
      return await (await openai.audio.speech.create(asked)).arrayBuffer();
    });
    expect(new Uint8Array(spoken)).toEqual(SOUND);
  });

  test("pages through files, and reads one", async () => {
    const { ids, bytes } = await run("openai:files.read", async (openai) => {
      const ids: string[] = [];
      for await (const { id } of openai.files.list({ limit: 1 })) ids.push(id);
      return { ids, bytes: await (await openai.files.content("file-1")).arrayBuffer() };
    });
    expect(ids).toEqual(["file-1", "file-2", "file-3"]);
    expect(new Uint8Array(bytes)).toEqual(SOUND);
  });

  test("OpenAI's own errors come as the client's", async () => {
    const error = await failure(
      run("openai:chat.completions.create", (openai) =>
        openai.chat.completions.create({ model: MODEL, messages }),
      ),
    );
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ status: 429, code: "rate_limit_exceeded", requestID: "req_42" });
    expect((error as APIError).headers?.get("retry-after")).toBe("20");
  });

  test.each([
    [
      "another model",
      "openai:responses.create",
      "constraint_failed",
      (openai: OpenAI) => openai.responses.create({ ...question, model: "gpt-5-pro" }),
    ],
    [
      "no model, for a stored prompt has its own",
      "openai:responses.create",
      "constraint_failed",
      (openai: OpenAI) =>
        openai.responses.create({ prompt: { id: "pmpt_1" }, max_output_tokens: 10 }),
    ],
    [
      "more tokens",
      "openai:responses.create",
      "constraint_failed",
      (openai: OpenAI) => openai.responses.create({ ...question, max_output_tokens: 501 }),
    ],
    [
      "several answers",
      "openai:chat.completions.create",
      "constraint_failed",
      (openai: OpenAI) => openai.chat.completions.create({ model: MODEL, messages, n: 2 }),
    ],
    [
      "tools, where only what is named may be there",
      "openai:chat.completions.create",
      "constraint_failed",
      (openai: OpenAI) =>
        openai.chat.completions.create({
          model: MODEL,
          messages,
          tools: [{ type: "function", function: { name: "f" } }],
        }),
    ],
    [
      "a constraint on multipart",
      "openai:images.create",
      "request_invalid",
      async (openai: OpenAI) =>
        openai.images.edit({
          model: "gpt-image-1",
          prompt: "x",
          image: await toFile(SOUND, "a.png"),
        }),
    ],
    [
      "what another scope allows",
      "openai:responses.create",
      "insufficient_scope",
      (openai: OpenAI) => openai.responses.delete("resp_1"),
    ],
    [
      "what is not described",
      "openai:responses.create",
      "route_unknown",
      (openai: OpenAI) => openai.get("/organization/users"),
    ],
  ])("%s is refused, and OpenAI hears nothing", async (_what, scope, code, call) => {
    const error = await failure(run(scope, async (openai) => await call(openai)));
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code });
    expect([...vendor.seen, ...vendor.strangers]).toEqual([]);
  });
});

async function responseTexts(openai: OpenAI): Promise<AsyncIterable<string>> {
  const stream = await openai.responses.create({ ...question, stream: true });
  return (async function* texts() {
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") yield event.delta;
    }
  })();
}

async function chatTexts(openai: OpenAI): Promise<AsyncIterable<string>> {
  const stream = await openai.chat.completions.create({ model: MODEL, messages, stream: true });
  return (async function* texts() {
    for await (const { choices } of stream) yield choices[0]?.delta.content ?? "";
  })();
}
