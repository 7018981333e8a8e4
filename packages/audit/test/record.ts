import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentKeys, createAgentKeys, fileSink, type FileSinkOptions } from "@agent-keys/core";

/** A directory that goes when the test does. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "agent-keys-audit-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A process that writes to a record: its own sink, its own chain. */
export function writerTo(
  path: string,
  options?: FileSinkOptions,
): Disposable & { readonly keys: AgentKeys; calls(count: number): void } {
  const sink = fileSink(path, options);
  const keys = createAgentKeys({ agent: "repo-bot", policy: "allow-all", audit: sink });
  return {
    keys,
    /** Two lines each. */
    calls(count) {
      for (let made = 0; made < count; made += 1) keys.mint("github:repos.read").close();
    },
    [Symbol.dispose]: () => sink[Symbol.dispose](),
  };
}

/** A key pair to sign checkpoints with, as PEM. */
export function signingPair(): { readonly key: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    publicKey: publicKey.export({ format: "pem", type: "spki" }).toString(),
  };
}

/** Choices that are the same for the same seed; `AGENT_KEYS_SEED` tries others. */
export function choices(fixed: number): (end: number) => number {
  let state = Number(process.env["AGENT_KEYS_SEED"] ?? fixed) | 0;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * end);
  };
}
