import { finished } from "node:stream/promises";
import type { Grant } from "@agent-keys/core";
import { type RequestTarget, toGrants, usableGrants } from "@agent-keys/core/enforce";
import { authorize } from "../decide/authorize.ts";
import type { AskedRequest, Decision, Forward } from "../decide/decision.ts";
import { takeKey } from "../decide/presented-key.ts";
import { bearer } from "../service/credential.ts";
import type { Route, Service } from "../service/service.ts";
import { answerRefusal } from "./answer-refusal.ts";
import { Exchange, type ExchangeEnd, type Sending } from "./exchange.ts";
import type { HeldBody } from "./held-bodies.ts";
import type { Incoming, Outgoing } from "./incoming.ts";
import { basePath, placeCredential } from "./place-credential.ts";
import { bounded, tooLarge } from "./read-body.ts";
import { readUnderKey } from "./read-under-key.ts";
import { asRefused, Refused } from "./refusal.ts";
import type { Places } from "./rewrite-links.ts";
import type { SecretInUse } from "./secrets.ts";
import { lookForUse, type SetAside, setAside } from "./set-aside.ts";
import type { VerifiedKey } from "./verifier.ts";
import type { Served, Workings } from "./workings.ts";

type Allowed = Extract<Decision, { outcome: "allowed" }>;

/** What is known of a request so far, for the record of its refusal. */
interface Known {
  key: VerifiedKey | undefined;
  target: RequestTarget;
}

/**
 * A request, from its key to the end of its answer. The order is the promise: nothing is sent that was
 * not decided on, whose use was not set aside, and that is not on record.
 */
export async function serveRequest(
  incoming: Incoming,
  out: Outgoing,
  workings: Workings,
): Promise<void> {
  const known: Known = {
    key: undefined,
    target: { service: "", method: incoming.method, route: "" },
  };
  try {
    await serve(incoming, out, workings, known);
  } catch (error) {
    const why = asRefused(error, "key");
    const { log } = workings;
    if (known.key === undefined) log.refusedUnverified(why);
    else log.refused(known.key.claims, grantsOf(known.key), known.target, why);
    const service = workings.served.get(incoming.service)?.service;
    answerRefusal(out, why, isUnread(incoming), { tell: service?.refusal });
  }
}

async function serve(
  incoming: Incoming,
  out: Outgoing,
  workings: Workings,
  known: Known,
): Promise<void> {
  const { verifier, limits, active } = workings;
  const served = workings.served.get(incoming.service);
  const presented = takeKey(
    incoming.headers,
    incoming.query,
    served?.service.credential ?? bearer(),
  );
  if ("outcome" in presented) throw refusedBy(presented);
  const key = verifier.recall(presented.key) ?? (await verifier.read(presented.key));
  known.key = key;
  verifier.requireLive(key);
  if (!key.agentAllowed) throw new Refused("policy_denied", "agent");
  if (served === undefined) throw new Refused("route_unknown", "service");
  known.target = { ...known.target, service: served.service.name };
  const { iss } = key.claims;
  const busy = active.get(iss) ?? 0;
  if (busy >= limits.concurrentRequests) throw new Refused("limit_exceeded", "limit");
  active.set(iss, busy + 1);
  const held = workings.bodies.open(iss);
  try {
    const asked: AskedRequest = {
      method: incoming.method,
      path: incoming.path,
      query: presented.query,
      headers: presented.headers,
      body: incoming.body === undefined ? "none" : "unread",
    };
    const decision = await decide(asked, incoming, key, served.service, workings, held);
    known.target = { ...known.target, route: decision.route?.pattern ?? "" };
    if (decision.outcome !== "allowed") throw refusedDecision(decision, asked, key, served.service);
    await send(decision, incoming, out, { key, target: known.target, served, workings });
  } finally {
    held.release();
    const left = (active.get(iss) ?? 1) - 1;
    if (left === 0) active.delete(iss);
    else active.set(iss, left);
  }
}

/** Asks again with the whole body, where something constrains it. */
async function decide(
  asked: AskedRequest,
  { body, bodyBytes = 0 }: Incoming,
  key: VerifiedKey,
  service: Service,
  workings: Workings,
  held: HeldBody,
): Promise<Exclude<Decision, { outcome: "needs_body" }>> {
  const { flights, limits } = workings;
  if (bodyBytes > limits.bodyBytes) throw tooLarge();
  const decision = authorize(asked, key.authority, service);
  if (decision.outcome !== "needs_body") return decision;
  if (body === undefined || bodyBytes > limits.decidedBodyBytes) throw tooLarge();
  await requireUseLeft(decision.route, key, workings);
  const whole = await readUnderKey(body, key, flights, limits, held);
  const again = authorize({ ...asked, body: whole }, key.authority, service);
  if (again.outcome === "needs_body") throw new Refused("request_invalid", "body");
  return again;
}

/**
 * Who has no use left sends no body: to read and to parse it would be all that is asked for. Each grant is
 * looked at by itself, as if it alone allowed the request.
 */
async function requireUseLeft(
  { scopes }: Route,
  { claims, effective }: VerifiedKey,
  { store, limits }: Workings,
): Promise<void> {
  const usable = effective.flatMap(({ grant }, index) =>
    scopes.includes(grant.scope) ? usableGrants(claims, effective, [index]) : [],
  );
  await lookForUse(usable, store.uses, limits.storeMs);
}

interface Sender {
  readonly key: VerifiedKey;
  readonly target: RequestTarget;
  readonly served: Served;
  readonly workings: Workings;
}

async function send(
  decision: Allowed,
  incoming: Incoming,
  out: Outgoing,
  { key, target, served, workings }: Sender,
): Promise<void> {
  const { service, pool, secret } = served;
  const { verifier, flights, log, limits, publicUrl } = workings;
  const startedMs = performance.now();
  const inUse = await secret.read();
  const sending = await prepare(decision.forward, incoming, service, inUse, limits.bodyBytes);
  const use = await reserve(decision, key, workings);
  let record;
  try {
    if (out.destroyed) throw new Refused("request_invalid", "client");
    // Once more: reading the body, the secret and the store took time.
    verifier.requireLive(key);
    const grant = key.effective[use.index]?.grant;
    record = log.allowed(key, grant ?? { scope: decision.scope }, target);
  } catch (error) {
    await use.settle("unsent");
    throw error;
  }
  const exchange = new Exchange({
    pool,
    sending,
    out,
    places: placesOf(decision.forward, service, publicUrl?.()),
    resend:
      decision.forward.body === "stream"
        ? undefined
        : async () => {
            const newer = await secret.refresh(inUse);
            if (newer === undefined) return undefined;
            return await prepare(decision.forward, incoming, service, newer, limits.bodyBytes);
          },
  });
  const deadlineMs = startedMs + limits.totalMs;
  const flight = { place: -1, key, deadlineMs, cut: (why: Refused) => exchange.cut(why) };
  flights.add(flight);
  const end = await exchange.ended;
  const { sent, status, bytes, failure } = end;
  log.completed(record, { status, bytes, startedMs });
  const settled = settle(use, end, out, limits.idleMs);
  // Who tries again as soon as it is answered finds the use that was given back.
  if (!sent) await settled;
  if (failure !== undefined)
    answerRefusal(out, failure, isUnread(incoming), { tell: service.refusal });
  await settled;
  flights.delete(flight);
}

/** An answer counts as passed on once all of it is out of this process. */
async function settle(
  use: SetAside,
  { sent, status, failure }: ExchangeEnd,
  out: Outgoing,
  timeoutMs: number,
): Promise<void> {
  if (!sent) return await use.settle("unsent");
  if (failure !== undefined || UNANSWERED.has(status)) return await use.settle("unknown");
  const passedOn = !use.intent || (await isPassedOn(out, timeoutMs));
  await use.settle(passedOn ? "answered" : "unknown");
}

async function isPassedOn(out: Outgoing, timeoutMs: number): Promise<boolean> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    await finished(out, { readable: false, signal: late.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** A gateway's word that it does not know either. */
const UNANSWERED: ReadonlySet<number> = new Set([502, 504]);

async function prepare(
  forward: Forward,
  { body, bodyBytes }: Incoming,
  service: Service,
  secret: SecretInUse,
  maxBytes: number,
): Promise<Sending> {
  const { path, headers, needles } = await placeCredential(forward, service, secret);
  const { method } = forward;
  if (forward.body !== "stream" || body === undefined) {
    const whole = typeof forward.body === "string" ? null : forward.body;
    return { options: { method, path, headers, body: whole }, needles };
  }
  if (bodyBytes === undefined) {
    return { options: { method, path, headers, body: bounded(body, maxBytes) }, needles };
  }
  headers["content-length"] = String(bodyBytes);
  return { options: { method, path, headers, body }, needles };
}

function placesOf(
  { path, query }: Forward,
  { name, baseUrl, pageLinks }: Service,
  publicUrl: string | undefined,
): Places {
  const prefix = basePath(baseUrl);
  // In process a service is reached by its own address.
  const broker = publicUrl === undefined ? `${baseUrl.origin}${prefix}` : `${publicUrl}/${name}`;
  return { asked: `${prefix}${path}${query}`, base: baseUrl, broker, pageLinks };
}

function reserve(
  decision: Allowed,
  { claims, effective }: VerifiedKey,
  { store, limits }: Workings,
): Promise<SetAside> {
  const usable = usableGrants(claims, effective, decision.grants);
  return setAside(usable, store.uses, limits.storeMs);
}

/** `policy_denied` for what the key itself would allow. */
function refusedDecision(
  decision: Exclude<Decision, { outcome: "allowed" | "needs_body" }>,
  asked: AskedRequest,
  { claims }: VerifiedKey,
  service: Service,
): Refused {
  const { code, route, check, detail } = decision;
  if (code !== "insufficient_scope" && code !== "constraint_failed") return refusedBy(decision);
  const scopes = route?.scopes ?? [];
  const own = authorize(asked, { grants: toGrants(claims) }, service);
  if (own.outcome === "allowed") return new Refused("policy_denied", "policy", { scopes });
  return new Refused(code, check, code === "insufficient_scope" ? { scopes, detail } : { detail });
}

function refusedBy({ code, check, detail }: Extract<Decision, { outcome: "refused" }>): Refused {
  return new Refused(code, check, { detail });
}

function grantsOf({ claims }: VerifiedKey): readonly Grant[] {
  return toGrants(claims);
}

function isUnread({ body }: Incoming): boolean {
  return body !== undefined && !body.readableEnded;
}
