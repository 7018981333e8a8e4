/**
 * A small OpenAI-compatible server with a script instead of a model, so that real agents run without
 * an account or a network. It speaks `POST /v1/chat/completions`, streaming and not.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";

/** What the model does next: says something, or calls tools (`{ tool: arguments }`). */
export type Turn =
  | string
  | Readonly<Record<string, object>>
  /** From the results of the tools it called so far. */
  | ((results: readonly string[]) => string);

/** The turns of each conversation, by a text that the user's message contains. */
export type Script = Readonly<Record<string, readonly Turn[]>>;

/** A running model server. */
export interface ModelServer extends AsyncDisposable {
  /** The base URL that OpenAI clients take. */
  readonly url: string;
}

/** Starts the server on a free port of this machine. */
export async function startModelServer(script: Script): Promise<ModelServer> {
  const server = createServer((request, response) => {
    text(request)
      .then((body) => answer(script, body, response))
      .catch((error: unknown) => refuse(response, error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const message = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(z.object({ text: z.string() }))]).nullish(),
});
type Message = z.infer<typeof message>;

const chat = z.object({
  model: z.string(),
  messages: z.array(message),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
  stream: z.boolean().default(false),
});

function answer(script: Script, body: string, response: ServerResponse): void {
  const { model, messages, tools, stream } = chat.parse(JSON.parse(body));
  const turn = nextTurn(script, messages);
  const reply = typeof turn === "string" ? { content: turn } : { tool_calls: calls(turn) };
  const offered = new Set(tools.map((tool) => tool.function.name));
  for (const call of reply.tool_calls ?? []) {
    if (!offered.has(call.function.name)) throw new Error(`not offered: ${call.function.name}`);
  }
  const reason = reply.tool_calls === undefined ? "stop" : "tool_calls";
  const common = { id: `chatcmpl-${crypto.randomUUID()}`, created: 0, model };

  if (!stream) {
    const whole = { role: "assistant", content: null, ...reply };
    const choices = [{ index: 0, message: whole, finish_reason: reason }];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...common, object: "chat.completion", choices, usage: USAGE }));
    return;
  }
  response.setHeader("content-type", "text/event-stream");
  const send = (delta: object, finish_reason: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason }];
    const chunk = { ...common, object: "chat.completion.chunk", choices };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  send({ role: "assistant", content: "" });
  for (const delta of deltas(reply)) send(delta);
  send({}, reason);
  response.end("data: [DONE]\n\n");
}

/** The turn after as many as the assistant has taken since the user last spoke. */
function nextTurn(script: Script, messages: readonly Message[]): Exclude<Turn, Function> {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const prompt = textOf(messages[asked]);
  const since = messages.slice(asked + 1);
  const turns = Object.entries(script).find(([words]) => prompt.includes(words))?.[1];
  const turn = turns?.[since.filter(({ role }) => role === "assistant").length];
  if (turn === undefined) throw new Error(`the script does not go on from: ${prompt}`);
  if (typeof turn !== "function") return turn;
  return turn(since.filter(({ role }) => role === "tool").map(textOf));
}

function textOf(said: Message | undefined): string {
  const content = said?.content ?? "";
  return typeof content === "string" ? content : content.map((part) => part.text).join("");
}

interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

function calls(turn: Readonly<Record<string, object>>): readonly ToolCall[] {
  return Object.entries(turn).map(([name, args]) => ({
    id: `call_${crypto.randomUUID().slice(0, 8)}`,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
}

/** In pieces, as a model sends them: words, and arguments cut in two. */
function* deltas(reply: { content?: string; tool_calls?: readonly ToolCall[] }): Iterable<object> {
  for (const content of reply.content?.match(/\S+\s*/g) ?? []) yield { content };
  for (const [index, call] of (reply.tool_calls ?? []).entries()) {
    const { name, arguments: args } = call.function;
    const half = Math.ceil(args.length / 2);
    const first = { ...call, index, function: { name, arguments: args.slice(0, half) } };
    yield { tool_calls: [first] };
    yield { tool_calls: [{ index, function: { arguments: args.slice(half) } }] };
  }
}

/** 400, which no client tries again. */
function refuse(response: ServerResponse, error: unknown): void {
  response.statusCode = 400;
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ error: { message: String(error), type: "invalid_request_error" } }),
  );
}

const USAGE = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
