import type { KeyObject } from "node:crypto";
import type { AgentKeyErrorCode, Grant } from "@agent-keys/core";
import {
  type AuditLog,
  type Claims,
  type Clock,
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
  allowed(claims: Claims, grant: Grant, target: RequestTarget): RequestRecord;
  /** How a request that was announced ended. */
  completed(record: RequestRecord, end: { status: number; bytes: number; startedMs: number }): void;
  /** A refusal of a key that was verified: one line each. */
  refused(claims: Claims, grants: readonly Grant[], target: RequestTarget, why: Refused): void;
  /** A refusal before anything was verified: at most a line a second for each check, with a count. */
  refusedUnverified(why: Refused): void;
  /** Writes the counts that wait. */
  settle(): void;
}

/** How values are hidden on the record. */
export interface Hiding {
  readonly redact: ReadonlySet<string>;
  readonly auditKey: KeyObject;
}

interface Sample {
  readonly code: AgentKeyErrorCode;
  readonly check: string;
  count: number;
  fromMs: number;
}

const SAMPLE_MS = 1_000;

/** @param monotonicMs - For durations and the sampling: what a clock's correction does not change. */
export function openRequestLog(
  audit: AuditLog,
  hiding: Hiding,
  monotonicMs: Clock = () => performance.now(),
): RequestLog {
  const samples = new Map<string, Sample>();
  let timer: NodeJS.Timeout | undefined;

  const write = (sample: Sample): void => {
    const { code, check, count } = sample;
    sample.count = 0;
    sample.fromMs = monotonicMs();
    audit.refusal({ type: "request.refused", code, check, count });
  };
  const settle = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const sample of samples.values()) if (sample.count > 0) write(sample);
  };

  return {
    allowed(claims, grant, target) {
      const record = requestRecord(claims, [grant], target, hiding);
      audit.intent({ type: "request.allowed", ...record });
      return record;
    },
    completed(record, { status, bytes, startedMs }) {
      const durationMs = Math.round((monotonicMs() - startedMs) * 1000) / 1000;
      audit.outcome({ type: "request.completed", ...record, status, bytes, durationMs });
    },
    refused(claims, grants, target, { error: { code }, check }) {
      const record = requestRecord(claims, grants, target, hiding);
      audit.refusal({ type: "request.refused", ...record, code, check });
    },
    refusedUnverified({ error: { code }, check }) {
      const name = `${code} ${check}`;
      const sample = samples.get(name) ?? { code, check, count: 0, fromMs: -Infinity };
      samples.set(name, sample);
      sample.count += 1;
      if (monotonicMs() - sample.fromMs >= SAMPLE_MS) write(sample);
      else timer ??= setTimeout(settle, SAMPLE_MS).unref();
    },
    settle,
  };
}
