import type { KeyObject } from "node:crypto";
import type { Grant } from "@agent-keys/core";
import {
  type AuditFact,
  type AuditLog,
  type Claims,
  type Clock,
  type Common,
  inCommon,
  requestRecord,
  type RequestRecord,
  type RequestTarget,
} from "@agent-keys/core/enforce";
import type { Refused } from "./refusal.ts";

/** Puts requests on record. */
export interface RequestLog {
  /**
   * A request that is about to be sent.
   *
   * @throws AgentKeyError `audit_unavailable`: it must not be.
   */
  allowed(key: KeyOnRecord, grant: Grant, target: RequestTarget): Common<RequestRecord>;
  /** How a request that was announced ended. */
  completed(
    record: Common<RequestRecord>,
    end: { status: number; bytes: number; startedMs: number },
  ): void;
  /**
   * A refusal of a key that was verified: a line each, and from the eleventh of one key and code on a line
   * a second at most, with a count and what the first was about. Whoever has a dead key could fill the disk.
   */
  refused(claims: Claims, grants: readonly Grant[], target: RequestTarget, why: Refused): void;
  /** A refusal before anything was verified: at most a line a second for each check, with a count. */
  refusedUnverified(why: Refused): void;
  /** Writes the counts that wait. */
  settle(): void;
}

/** A key, and what was last put on record of it: nearly always its next request says the same. */
export interface KeyOnRecord {
  readonly claims: Claims;
  lastRecord?: LastRecord;
}

interface LastRecord {
  readonly grant: Grant;
  readonly record: Common<RequestRecord>;
}

/** How values are hidden on the record. */
export interface Hiding {
  readonly redact: ReadonlySet<string>;
  readonly auditKey: KeyObject;
}

interface Sample {
  readonly fact: Refusal;
  /** Written one by one so far. */
  written: number;
  /** Not written yet. */
  count: number;
  fromMs: number;
}

type Refusal = Extract<AuditFact, { type: "request.refused" }>;

const SAMPLE_MS = 1_000;
/** Of one key and code, written one by one, before they are counted. */
const ONE_BY_ONE = 10;
/** As many keys' refusals are told apart. */
const SAMPLES = 4_096;

/** @param monotonicMs - For durations and the sampling: what a clock's correction does not change. */
export function openRequestLog(
  audit: AuditLog,
  hiding: Hiding,
  monotonicMs: Clock = () => performance.now(),
): RequestLog {
  const unverified = new Map<string, Sample>();
  const ofKeys = new Map<string, Sample>();
  let timer: NodeJS.Timeout | undefined;

  const write = (sample: Sample): void => {
    const { count } = sample;
    sample.count = 0;
    sample.fromMs = monotonicMs();
    audit.refusal({ ...sample.fact, count });
  };
  const settle = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const sample of [...unverified.values(), ...ofKeys.values()]) {
      if (sample.count > 0) write(sample);
    }
  };
  const count = (sample: Sample): void => {
    sample.count += 1;
    if (monotonicMs() - sample.fromMs >= SAMPLE_MS) write(sample);
    else timer ??= setTimeout(settle, SAMPLE_MS).unref();
  };
  /** The refusals of a key by one code: those that came last are kept, of no more keys than so many. */
  const sampleOf = (name: string, fact: () => Refusal): Sample => {
    const sample = ofKeys.get(name) ?? { fact: fact(), written: 0, count: 0, fromMs: -Infinity };
    ofKeys.delete(name);
    for (const [oldest, old] of ofKeys) {
      if (ofKeys.size < SAMPLES) break;
      if (old.count > 0) write(old);
      ofKeys.delete(oldest);
    }
    ofKeys.set(name, sample);
    return sample;
  };

  return {
    allowed(key, grant, target) {
      let last = key.lastRecord;
      if (last?.grant !== grant || !isOf(target, last.record.members)) {
        last = { grant, record: inCommon(requestRecord(key.claims, [grant], target, hiding)) };
        key.lastRecord = last;
      }
      const { record } = last;
      audit.intent({ type: "request.allowed", common: record, own: {} });
      return record;
    },
    completed(record, { status, bytes, startedMs }) {
      const durationMs = Math.round((monotonicMs() - startedMs) * 1000) / 1000;
      const own = { status, bytes, durationMs };
      audit.outcome({ type: "request.completed", common: record, own });
    },
    refused(claims, grants, target, { error: { code }, check }) {
      const fact = (): Refusal => {
        const record = requestRecord(claims, grants, target, hiding);
        return { type: "request.refused", ...record, code, check };
      };
      const sample = sampleOf(JSON.stringify([claims.iss, claims.jti, code]), fact);
      if (sample.written >= ONE_BY_ONE) return count(sample);
      sample.written += 1;
      sample.fromMs = monotonicMs();
      audit.refusal(fact());
    },
    refusedUnverified({ error: { code }, check }) {
      const name = `${code} ${check}`;
      const fact: Refusal = { type: "request.refused", code, check };
      const sample = unverified.get(name) ?? { fact, written: 0, count: 0, fromMs: -Infinity };
      unverified.set(name, sample);
      count(sample);
    },
    settle,
  };
}

function isOf({ service, method, route }: RequestTarget, record: RequestRecord): boolean {
  return record.route === route && record.method === method && record.service === service;
}
