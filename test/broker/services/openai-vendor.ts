import type { ServerResponse } from "node:http";
import { type Answer, openVendor, type Seen, type Vendor } from "./vendor.ts";

export const OPENAI_KEY = "sk-proj-real-credential";

/** A stream that waits, after its first event, to be told to go on. */
export interface Streams {
  /** Called with what lets the rest go. */
  onFirst: (proceed: () => void) => void;
  /** Whether the last one was ended by the vendor itself. */
  ended: boolean;
}

const RATE = { "x-ratelimit-remaining-requests": "99", "x-request-id": "req_42" };
const WORDS = ["Hel", "lo", " wörld"];

/** OpenAI's API, as its description says what these requests are answered. */
export function openOpenai(streams: Streams): Promise<Vendor> {
  const error = {
    message: "Incorrect API key provided",
    type: "invalid_request_error",
    code: "invalid_api_key",
  };
  return openVendor(`Bearer ${OPENAI_KEY}`, { status: 401, json: { error } }, (request) => {
    const { method, path } = request;
    const answered = answer(`${method} ${path.replace(/^\/v1/, "")}`, request, streams);
    if (answered === undefined || typeof answered === "function") return answered;
    return { ...answered, headers: { ...RATE, ...answered.headers } };
  });
}

function answer(route: string, request: Seen, streams: Streams): Answer | undefined {
  switch (route) {
    case "POST /responses":
      return jsonOf(request)["stream"] === true
        ? events(responseEvents, streams)
        : response(request);
    case "POST /chat/completions":
      return jsonOf(request)["stream"] === true ? events(chatEvents, streams) : overloaded();
    case "POST /embeddings":
      return embedding(request);
    case "POST /audio/transcriptions":
      return { json: { text: partOf(request, "file") } };
    case "POST /audio/speech":
      return { headers: { "content-type": "audio/mpeg" }, bytes: SOUND };
    case "POST /files":
      return { json: { id: "file-1", object: "file", purpose: partOf(request, "purpose") } };
    case "GET /files":
      return files(request);
    case "GET /files/file-1/content":
      return { headers: { "content-type": "application/octet-stream" }, bytes: SOUND };
    default:
      return undefined;
  }
}

/** Bytes that are no text. */
export const SOUND: Uint8Array = Uint8Array.from([0xff, 0xfb, 0x00, 0x0d, 0x0a, 0x80, 0xfe]);

function jsonOf({ body }: Seen): Record<string, unknown> {
  return JSON.parse(body.toString()) as Record<string, unknown>;
}

function response(request: Seen): Answer {
  const { model, input } = jsonOf(request);
  const content = [{ type: "output_text", text: `echo: ${String(input)}`, annotations: [] }];
  const output = [
    { type: "message", id: "msg_1", role: "assistant", status: "completed", content },
  ];
  return { json: { id: "resp_1", object: "response", status: "completed", model, output } };
}

function overloaded(): Answer {
  const error = { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" };
  return { status: 429, headers: { "retry-after": "20" }, json: { error } };
}

/** As the client asks for them by default: 32-bit floats in base64. */
function embedding(request: Seen): Answer {
  const { input, encoding_format } = jsonOf(request);
  const texts = [input].flat();
  const numbers = Float32Array.from([0.5, -0.25]);
  const base64 = Buffer.from(numbers.buffer).toString("base64");
  const data = texts.map((_, index) => ({
    object: "embedding",
    index,
    embedding: encoding_format === "base64" ? base64 : [...numbers],
  }));
  return { json: { object: "list", model: "text-embedding-3-small", data } };
}

/** Three pages of one file each. */
function files({ query }: Seen): Answer {
  const number = Number(query.get("after")?.replace("file-", "") ?? 0) + 1;
  const id = `file-${number}`;
  return {
    json: { object: "list", data: [{ id }], has_more: number < 3, first_id: id, last_id: id },
  };
}

/** The content of a part of a multipart body. */
function partOf({ headers, body }: Seen, name: string): string | undefined {
  const boundary = /boundary=(\S+)/.exec(headers["content-type"] ?? "")?.[1] ?? "";
  const parts = body.toString("latin1").split(`--${boundary}`);
  const part = parts.find((one) => one.includes(`name="${name}"`));
  return part?.split("\r\n\r\n", 2)[1]?.replace(/\r\n$/, "");
}

const responseEvents: readonly string[] = [
  ...WORDS.map((delta) =>
    event(
      { type: "response.output_text.delta", delta, item_id: "msg_1" },
      "response.output_text.delta",
    ),
  ),
  event({ type: "response.completed", response: { id: "resp_1" } }, "response.completed"),
];

const chatEvents: readonly string[] = [
  ...WORDS.map((content) =>
    event({ object: "chat.completion.chunk", choices: [{ index: 0, delta: { content } }] }),
  ),
  "data: [DONE]\n\n",
];

function event(data: object, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** Server-sent events: the first at once, the others when the test has seen it. */
function events([first = "", ...rest]: readonly string[], streams: Streams): Answer {
  return (out: ServerResponse) => {
    out.writeHead(200, { ...RATE, "content-type": "text/event-stream; charset=utf-8" });
    out.write(first);
    streams.ended = false;
    streams.onFirst(() => {
      for (const one of rest) out.write(one);
      streams.ended = true;
      out.end();
    });
  };
}
