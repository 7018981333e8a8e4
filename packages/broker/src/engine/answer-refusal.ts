import type { Service } from "../service/service.ts";
import type { Outgoing } from "./incoming.ts";
import { type Refused, refusalAnswer } from "./refusal.ts";

/** How else a refusal may be told. */
interface Telling {
  /** The service's own way. */
  readonly tell?: Service["refusal"] | undefined;
  /** Besides those that every refusal has: names and values in turn. */
  readonly headers?: readonly string[];
}

/** Answers a refusal, unless something was answered already. */
export function answerRefusal(
  out: Outgoing,
  why: Refused,
  bodyUnread: boolean,
  { tell, headers: more = [] }: Telling = {},
): void {
  if (out.headersSent || out.destroyed) return;
  const { status, headers, body } = refusalAnswer(why, tell);
  headers.push(...more);
  // What follows on this connection could be taken for a request, when it is the rest of this one.
  if (bodyUnread) headers.push("connection", "close");
  out.writeHead(status, headers);
  out.end(body);
}
