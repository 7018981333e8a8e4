import { requireKey } from "@agent-keys/core";
import { say } from "./narrator.ts";

/** Calls the tickets service under the key of the tool call that is running. */
export type CallTickets = (method: string, path: string, body?: string) => Promise<string>;

export function ticketsClient(baseUrl: string): CallTickets {
  return async (method, path, body = "") => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: { authorization: `Bearer ${requireKey().token}` },
      ...(method === "POST" ? { body } : {}),
    });
    const text = await response.text();
    const { code = "", message = "" } = response.ok ? {} : (JSON.parse(text) as Refusal);
    say(`service: ${method} ${path} -> ${response.status} ${code}`);
    if (!response.ok) throw new Error(`${response.status} ${code}: ${message}`);
    return text;
  };
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}
