/**
 * An OpenAI-compatible server that says what it is told to and writes down every request, byte for
 * byte. Its answers are the same in every run.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What the model says in one turn: text, or tool calls, or both. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly ScriptedCall[];
}

/** One tool call of the model. Text as `args` is sent as it is, however malformed. */
interface ScriptedCall {
  readonly id: string;
  readonly name: string;
  readonly args: object | string;
}

/** A turn that calls one tool. */
export function callOf(name: string, args: object | string, id = `call-${name}`): Turn {
  return { calls: [{ id, name, args }] };
}

/** A running server. */
export interface RecordingModel extends AsyncDisposable {
  /** The base URL that OpenAI clients take. */
  readonly url: string;
  /** The bodies of the requests so far, as they came in. */
  readonly bodies: readonly string[];
}

/** Starts a server on a free port. After the last turn the model says "done". */
export async function startModel(turns: readonly Turn[]): Promise<RecordingModel> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      const turn = turns[bodies.length - 1] ?? { text: "done" };
      answer(response, turn, bodies.length, body.includes('"stream":true'));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    bodies,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function answer(response: ServerResponse, turn: Turn, count: number, stream: boolean): void {
  const toolCalls = (turn.calls ?? []).map(({ id, name, args }) => ({
    id,
    type: "function",
    function: { name, arguments: typeof args === "string" ? args : JSON.stringify(args) },
  }));
  const reason = toolCalls.length > 0 ? "tool_calls" : "stop";
  const common = { id: `answer-${count}`, created: 0, model: "scripted" };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  response.sendDate = false;
  if (!stream) {
    const said = { role: "assistant", content: turn.text ?? null };
    const message = toolCalls.length > 0 ? { ...said, tool_calls: toolCalls } : said;
    const choices = [{ index: 0, message, finish_reason: reason }];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...common, object: "chat.completion", choices, usage }));
    return;
  }
  const chunk = (delta: object, finish: string | null = null): string => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    const object = "chat.completion.chunk";
    return `data: ${JSON.stringify({ ...common, object, choices, ...(finish && { usage }) })}\n\n`;
  };
  // Arguments come in two pieces, as a model sends them.
  const calls = toolCalls.flatMap(({ function: { name, arguments: args }, ...call }, index) => {
    const half = Math.ceil(args.length / 2);
    const first = { ...call, index, function: { name, arguments: args.slice(0, half) } };
    const second = { index, function: { arguments: args.slice(half) } };
    return [{ tool_calls: [first] }, { tool_calls: [second] }];
  });
  const words = (turn.text?.match(/\S+\s*/g) ?? []).map((content) => ({ content }));
  const deltas = [{ role: "assistant", content: "" }, ...words, ...calls];
  response.setHeader("content-type", "text/event-stream");
  // In one piece, so that how the network cuts it cannot make two runs differ.
  response.end([...deltas.map((d) => chunk(d)), chunk({}, reason), "data: [DONE]\n\n"].join(""));
}
