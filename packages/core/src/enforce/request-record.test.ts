import { createSecretKey, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { AgentKey } from "../agent-key.ts";
import { auditEvent } from "../index.ts";
import { testKeys } from "../testing/index.ts";
import { requestRecord } from "./request-record.ts";

const target = { service: "github", method: "GET", route: "/repos/:owner" };
const grants = [{ scope: "github:repos.read", where: { owner: "canary" } }];

test("a request's record names the key, whom it acts for, what it may do here, and the target", () => {
  const keys = testKeys();
  const parent = keys.for({ user: "ada", txn: "run-1" }).mint("github:repos.read");
  const child = keys.for({ agent: "child", parent }).mint("github:repos.read");
  const { claims } = AgentKey.signedBy(child);
  const auditKey = createSecretKey(randomBytes(32));
  const record = requestRecord(claims, grants, target, { redact: new Set(), auditKey });
  expect(record).toEqual({
    ...target,
    iss: claims.iss,
    agent: "child",
    user: "ada",
    txn: "run-1",
    parentId: parent.id,
    keyId: child.id,
    scopes: ["github:repos.read"],
    grants,
  });
  const hidden = requestRecord(claims, grants, target, { redact: new Set(["owner"]), auditKey });
  expect(JSON.stringify(hidden)).not.toContain("canary");
  const [minted] = keys.events;
  const { v, writer, seq, time, id, prev, hash } = minted!;
  const sealed = { v, writer, seq, time, id, prev, hash, type: "request.allowed", ...hidden };
  expect(auditEvent.safeParse(sealed).success).toBe(true);
});
