import { type Agent, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";

/** What a request came to. */
export interface Answer {
  readonly status: number;
  /** Of a refusal by the broker. */
  readonly code: string | undefined;
  readonly body: string;
}

/**
 * Asks with a key. Rejects when there was no whole answer. Without an agent on a connection of its own:
 * one that was kept may belong to a broker that is gone.
 */
export function ask(
  url: string,
  token: string,
  { agent, timeoutMs }: { readonly agent?: Agent; readonly timeoutMs?: number } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const request = httpRequest(url, { headers, agent: agent ?? false });
    request.on("error", reject);
    request.on("response", (response) => {
      const { statusCode: status = 0 } = response;
      const header = response.headers["agent-keys-code"];
      const code = typeof header === "string" ? header : undefined;
      text(response).then((body) => resolve({ status, code, body }), reject);
    });
    if (timeoutMs !== undefined) {
      request.setTimeout(timeoutMs, () => request.destroy(new Error("timed out")));
    }
    request.end();
  });
}
