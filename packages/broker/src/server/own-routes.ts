import type { IncomingMessage } from "node:http";
import { toGrants } from "@agent-keys/core/enforce";
import { isRefused } from "../decide/refused.ts";
import { takeKey } from "../decide/presented-key.ts";
import type { Databases } from "../databases/open-databases.ts";
import { answerRefusal } from "../engine/answer-refusal.ts";
import type { Engine } from "../engine/engine.ts";
import type { Outgoing } from "../engine/incoming.ts";
import { MAX_NOTICE_BODY_BYTES, type Notices } from "../engine/notices.ts";
import { readWhole } from "../engine/read-body.ts";
import { asRefused, Refused } from "../engine/refusal.ts";
import type { VerifiedKey } from "../engine/verifier.ts";
import { bearer } from "../service/credential.ts";
import type { Service } from "../service/service.ts";
import { connect } from "./connections.ts";
import type { Head } from "./read-head.ts";

/** What the broker answers itself. */
export interface OwnRoutes {
  readonly engine: Engine;
  readonly notices: Notices;
  readonly databases: Databases;
  readonly services: readonly Service[];
}

/** Answers a request for a path under `/.agent-keys/`. */
type ServeOwn = (head: Head, request: IncomingMessage, out: Outgoing) => Promise<void>;

/** Of one broker: what arrives at another takes no place here. */
export function openOwnRoutes(own: OwnRoutes): ServeOwn {
  const arriving: Arriving = new Set();
  return (head, request, out) => serveOwn(head, request, out, own, arriving);
}

async function serveOwn(
  head: Head,
  request: IncomingMessage,
  out: Outgoing,
  own: OwnRoutes,
  arriving: Arriving,
): Promise<void> {
  const { engine } = own;
  let key: VerifiedKey | undefined;
  let target = { service: "", method: head.method, route: `/.agent-keys${head.path}` };
  try {
    switch (`${head.method} ${head.path}`) {
      case "POST /notices":
        return await serveNotice(request, out, own, arriving);
      case "GET /services":
        key = await engine.verifier.read(keyIn(head));
        engine.verifier.requireLive(key);
        if (!key.agentAllowed) throw new Refused("policy_denied", "agent");
        return answerJson(out, 200, { services: own.services.map(listed) });
      case "POST /connections": {
        key = await engine.verifier.read(keyIn(head));
        engine.verifier.requireLive(key);
        if (!key.agentAllowed) throw new Refused("policy_denied", "agent");
        const named = (service: string): void => {
          target = { ...target, service };
        };
        const answer = await connect(key, request, own.databases, named);
        return answerJson(out, 200, answer);
      }
      default:
        throw new Refused("route_unknown", "route");
    }
  } catch (error) {
    const why = asRefused(error, "key");
    const unread = head.hasBody && !request.readableEnded;
    if (key === undefined) return engine.refuse(out, why, unread);
    engine.log.refused(key.claims, toGrants(key.claims), target, why);
    answerRefusal(out, why, unread);
  }
}

function keyIn({ headers, query }: Head): string {
  const presented = takeKey(headers, query, bearer());
  if (isRefused(presented)) throw new Refused(presented.code, presented.check);
  return presented.key;
}

function listed({ name, baseUrl }: Service): { readonly name: string; readonly baseUrl: string } {
  return { name, baseUrl: baseUrl.href.replace(/\/$/, "") };
}

/** Nothing is known of who sends these until they are there: neither many nor for long. */
const MOST_ARRIVING = 256;
const NOTICE_MS = 1000;

/** Notices whose body is not there yet, the oldest first: each can be ended. */
type Arriving = Set<AbortController>;

async function serveNotice(
  request: IncomingMessage,
  out: Outgoing,
  { notices, databases }: OwnRoutes,
  arriving: Arriving,
): Promise<void> {
  const ending = new AbortController();
  // Refusing the newest instead, so many strangers who say nothing would keep every revocation out.
  const [oldest] = arriving;
  if (oldest !== undefined && arriving.size >= MOST_ARRIVING) {
    arriving.delete(oldest);
    oldest.abort(PUSHED_OUT);
  }
  arriving.add(ending);
  let body: Buffer;
  try {
    body = await readWhole(request, MAX_NOTICE_BODY_BYTES, NOTICE_MS, ending.signal);
  } finally {
    arriving.delete(ending);
  }
  try {
    await notices.receive(noticeIn(body));
  } finally {
    databases.sweep();
  }
  answerJson(out, 200, {});
}

/** Not `limit_exceeded`, which says that there is no room for what a notice revokes. */
const PUSHED_OUT = new Refused("store_unavailable", "limit", {
  detail: "too many notices at once",
});

function noticeIn(body: Buffer): unknown {
  try {
    const { notice } = Object(JSON.parse(body.toString("utf8"))) as { readonly notice?: unknown };
    return notice;
  } catch {
    throw new Refused("request_invalid", "notice", { detail: "the body is not JSON" });
  }
}

/** A small answer of the broker's own. */
export function answerJson(out: Outgoing, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  const length = String(Buffer.byteLength(body));
  out.writeHead(status, [
    "content-type",
    "application/json",
    "content-length",
    length,
    "cache-control",
    "no-store",
  ]);
  out.end(body);
}
