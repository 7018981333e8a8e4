import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { fileSink } from "@agent-keys/core";
import { SignJWT } from "jose";
import { type LineFile, openLineFile } from "./floors.ts";
import { aiTools, type AiTool } from "./framework-tools.ts";
import { atMost, type Benchmark, compare } from "./result.ts";
import { costOfAwaited, interleave, perRound, wallClock } from "./rounds.ts";
import { INPUT, openSubject, type Subject } from "./subject.ts";

const CALLS = 200;

/** (c) The same against a wrapper that signs as most would. */
export const joseWrapper: Benchmark = {
  id: "c",
  title: "Against a wrapper that signs with jose.SignJWT",
  means: [
    "ours: what our wrapper adds to the AI SDK's execute, with a file audit",
    "floor: what a bare wrapper adds that signs with jose.SignJWT and writes the same two " +
      "kinds of chained lines, but has no policy, checks nothing and gives no handle",
    "both: wall clock, since jose signs in another thread",
  ],
  async run(bench) {
    const subject = openSubject(fileSink(join(bench.directory, "jose-ours.jsonl")));
    using lines = openLineFile(join(bench.directory, "jose-theirs.jsonl"));
    const { bare, wrapped, options } = aiTools(subject.keys);
    const theirs = await wrapWithJose(bare, subject, lines);
    const samples = await interleave(
      {
        bare: () => costOfAwaited(wallClock, CALLS, (n) => bare.execute(INPUT, options(n))),
        ours: () => costOfAwaited(wallClock, CALLS, (n) => wrapped.execute(INPUT, options(n))),
        theirs: () => costOfAwaited(wallClock, CALLS, (n) => theirs(INPUT, options(n))),
      },
      bench,
    );
    const added = (total: readonly number[]): readonly number[] =>
      perRound(total, samples.bare, (a, b) => a - b);
    const [ours, floor] = [added(samples.ours), added(samples.theirs)];
    return [compare("AI SDK 7, execute", { target: atMost(0.5) }, ours, floor)];
  },
};

/** The least that could be called the same thing. */
async function wrapWithJose(
  { execute }: AiTool,
  { keys, privateKey }: Subject,
  lines: LineFile,
): Promise<AiTool["execute"]> {
  const [{ kid } = { kid: "" }] = keys.jwks().keys;
  const signer = privateKey.toCryptoKey("Ed25519", false, ["sign"]);
  return async (input, options) => {
    const now = Date.now() / 1000;
    const id = randomUUID();
    const grant = { actions: ["tickets:read"], constraints: { ticketId: { prefix: "t-" } } };
    const claims = {
      v: 1,
      iss: `urn:agent-keys:${kid}`,
      aud: "https://tickets.example",
      sub: "u-17",
      act: { sub: "support-bot" },
      iat: now,
      nbf: now,
      exp: now + 10,
      jti: id,
      txn: "run-2026-11-23",
      call: options.toolCallId,
      scope: "tickets:read",
      authorization_details: [{ type: "agent_key", ...grant }],
    };
    await new SignJWT(claims)
      .setProtectedHeader({ alg: "Ed25519", typ: "agent-key+jwt", kid })
      .sign(signer);
    const { iss, txn, sub: user } = claims;
    const tool = { name: "getTicket", callId: options.toolCallId, framework: "ai-sdk" };
    const record = { iss, agent: "support-bot", user, txn, tool, keyId: id, grants: [grant] };
    lines.write({ time: new Date().toISOString(), type: "key.minted", ...record });
    let outcome = "error";
    try {
      const result = await execute(input, options);
      outcome = "ok";
      return result;
    } finally {
      lines.write({ time: new Date().toISOString(), type: "key.closed", ...record, outcome });
    }
  };
}
