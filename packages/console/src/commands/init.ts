import { generateKeyPairSync } from "node:crypto";
import { closeSync, constants, lstatSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createAgentKeys } from "@agent-keys/core";
import { AGENT_FILE, BROKER_FILE } from "../audit-file.ts";
import { say } from "../complain.ts";
import { ConsoleError } from "../console-error.ts";
import { type Ignored, ignoreInGit } from "../git-ignore.ts";
import { CONFIG_FILE } from "../load-config.ts";
import { parseFlags } from "../parse-flags.ts";
import { STARTER_BROKER, starterConfig, type StarterIssuer } from "../starter-config.ts";
import type { Terminal } from "../terminal.ts";

const KEY_FILE = "agent-keys.key";
/** The broker's environment, beside the agent's: what is in `.env` the agent's process has too. */
const BROKER_ENV = ".env.broker";
const IGNORED: readonly Ignored[] = [
  // Also covers what the key is renamed to when another takes its place.
  { pattern: `${KEY_FILE}*`, files: [KEY_FILE] },
  { pattern: ".env", files: [".env"] },
  { pattern: BROKER_ENV, files: [BROKER_ENV] },
  // And the full segments that are put aside beside them.
  { pattern: "*.audit.jsonl*", files: [AGENT_FILE, BROKER_FILE, `${BROKER_FILE}.1`] },
];

/** Writes a configuration and a signing key to start with. What is there already is left alone. */
export function init(args: readonly string[], to: Terminal): number {
  parseFlags(args, { command: "init", options: {}, valueHint: () => "" });
  for (const path of [CONFIG_FILE, KEY_FILE]) requireAbsent(path);
  const pem = newSigningKey();
  // Before the key is there, so that it cannot be committed in between.
  const ignored = writing(".gitignore", () => ignoreInGit(IGNORED));
  writing(KEY_FILE, () => writeNew(KEY_FILE, pem));
  try {
    const config = starterConfig(issuerOf(pem));
    writing(CONFIG_FILE, () => writeNew(CONFIG_FILE, config));
  } catch (error) {
    // Made a moment ago, and used by nobody: left there, it would be in the way of the next try.
    rmSync(KEY_FILE, { force: true });
    throw error;
  }
  to.out(`AGENT_KEYS_SIGNING_KEY=./${KEY_FILE}\nAGENT_KEYS_BROKER=${STARTER_BROKER}\n`);
  tellWhatIsNext(to, ignored);
  return 0;
}

function tellWhatIsNext(to: Terminal, ignored: readonly string[] | undefined): void {
  const isIgnored = ignored === undefined ? "" : ", ignored by git";
  say(to, `wrote ${CONFIG_FILE}`, "edit it: which services, and what my-agent may do there");
  say(
    to,
    `wrote ${KEY_FILE} (0600${isIgnored})`,
    "it signs your agent's keys: keep it as you keep a password",
  );
  if (ignored !== undefined && ignored.length > 0) {
    say(to, `added to .gitignore: ${ignored.join(" ")}`);
  }
  say(
    to,
    "on stdout are two lines for your agent's environment, such as .env",
    "then start the broker: GITHUB_TOKEN=... npx agent-keys broker",
  );
}

/** PKCS #8, which those who look for committed secrets know by its first line. */
function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "pem", type: "pkcs8" }) as string;
}

/** What a process that is given this key, and nothing else, calls itself and publishes. */
function issuerOf(signingKey: string): StarterIssuer {
  // All is given, so that nothing is taken from the environment of an earlier init.
  const options = { policy: {}, signingKey, broker: STARTER_BROKER, audit: (): void => undefined };
  const keys = createAgentKeys({ agent: "init", ...options });
  const [jwk] = keys.jwks().keys;
  if (jwk === undefined) throw new Error("a signing key has no public half");
  return { iss: `urn:agent-keys:${jwk.kid}`, jwk };
}

/** A dangling link is in the way too: writing through it would put a key who knows where. */
function requireAbsent(path: string): void {
  const stats = writing(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) return;
  throw new ConsoleError(
    `${path} is there already`,
    "init overwrites nothing; move the file away, or run init in another directory",
  );
}

/**
 * A file that nobody else may read. What has the name already is neither written to nor followed, and what
 * cannot be written whole is not left there.
 */
function writeNew(path: string, text: string): void {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | (constants.O_NOFOLLOW ?? 0), 0o600);
  try {
    writeFileSync(fd, text);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** @throws ConsoleError naming the file that the system does not let us write. */
function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    // ELOOP is O_NOFOLLOW's answer; EMLINK is what FreeBSD says instead.
    if (code === "ELOOP" || code === "EMLINK") {
      throw new ConsoleError(
        `${path} is a symbolic link, which neither git nor init follows`,
        "put a file in its place, and run init again",
      );
    }
    throw new ConsoleError(
      `${path} cannot be written (${code})`,
      "init writes to the directory that it is run in",
    );
  }
}
