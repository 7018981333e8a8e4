import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { openUpstream, type Upstream } from "../upstream.ts";

/** Stands beside every reflected secret, so that one can see that the answer came through. */
export const BESIDE = "beside-the-canary";

/** GitHub and OpenAI, as far as the agent asks them, and what they did. */
export interface Mirror extends AsyncDisposable {
  readonly url: string;
  /** How often the credential was told back. */
  readonly reflected: number;
  /** Requests with something else than the real credential. */
  readonly strangers: number;
}

/**
 * Demands the real credential. Asked for `mirror`, it tells it back in the body and in headers; asked for
 * `broken`, in an error.
 */
export async function openMirror(secret: string): Promise<Mirror> {
  let reflected = 0;
  let strangers = 0;
  const upstream: Upstream = await openUpstream((request, response) => {
    void text(request).then((body) => {
      if (request.headers.authorization !== `Bearer ${secret}`) {
        strangers += 1;
        response.writeHead(401).end("{}");
        return;
      }
      const asked = `${request.url} ${body}`;
      const how = /mirror|broken/.exec(asked)?.[0] ?? "plain";
      const said = how === "plain" ? "nothing to see" : reflections(secret);
      if (how !== "plain") reflected += 1;
      answer(request, response, { how, said, secret });
    });
  });
  return {
    url: upstream.url,
    get reflected() {
      return reflected;
    },
    get strangers() {
      return strangers;
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** Stands for the secret as JSON of other writers has it, until the body is JSON itself. */
const ESCAPED = "escaped-as-in-json";

function reflections(secret: string): string {
  const encoded = [0, 1, 2].map((n) => Buffer.from("x".repeat(n) + secret).toString("base64"));
  return [BESIDE, secret, ...encoded, encodeURIComponent(secret), ESCAPED].join(" ");
}

function answer(
  { url = "" }: IncomingMessage,
  response: ServerResponse,
  { how, said, secret }: { readonly how: string; readonly said: string; readonly secret: string },
): void {
  const isChat = url.startsWith("/v1/");
  response.setHeader("content-type", "application/json");
  if (how !== "plain") {
    response.setHeader("x-echo", `${BESIDE} Bearer ${secret}`);
    response.setHeader("set-cookie", `session=${encodeURIComponent(secret)}`);
    response.setHeader("x-request-id", Buffer.from(`:${secret}`).toString("base64"));
  }
  const error = isChat ? { error: { message: said, code: secret } } : { message: said };
  const message = { role: "assistant", content: said };
  const good = isChat
    ? { id: "1", object: "chat.completion", choices: [{ index: 0, message }] }
    : [{ number: 1, title: said, body: said }];
  response.statusCode = how === "broken" ? 422 : 200;
  // In pieces, so that the secret lies across their borders.
  const escaped = secret.replaceAll("/", String.raw`\/`);
  const body = JSON.stringify(how === "broken" ? error : good).replaceAll(ESCAPED, escaped);
  for (let at = 0; at < body.length; at += 7) response.write(body.slice(at, at + 7));
  response.end();
}
