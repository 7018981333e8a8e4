import { generateKeyPairSync } from "node:crypto";
import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { createAgentKeys } from "@agent-keys/core";
import { say } from "../complain.ts";
import { ConsoleError } from "../console-error.ts";
import { ignoreInGit } from "../git-ignore.ts";
import { CONFIG_FILE } from "../load-config.ts";
import { parseFlags } from "../parse-flags.ts";
import { STARTER_BROKER, starterConfig, type StarterIssuer } from "../starter-config.ts";
import type { Terminal } from "../terminal.ts";

const KEY_FILE = "agent-keys.key";
/** Also covers what the key is renamed to when another takes its place. */
const KEY_PATTERN = "agent-keys.key*";

/** Writes a configuration and a signing key to start with. What is there already is left alone. */
export function init(args: readonly string[], to: Terminal): number {
  parseFlags(args, { command: "init", options: {}, valueHint: () => "" });
  for (const path of [CONFIG_FILE, KEY_FILE]) requireAbsent(path);
  const pem = newSigningKey();
  // Before the key is there, so that it cannot be committed in between.
  const ignored = writing(".gitignore", () => ignoreInGit(KEY_FILE, KEY_PATTERN));
  writing(KEY_FILE, () => writeFileSync(KEY_FILE, pem, { flag: "wx", mode: 0o600 }));
  try {
    const config = starterConfig(issuerOf(pem));
    writing(CONFIG_FILE, () => writeFileSync(CONFIG_FILE, config, { flag: "wx" }));
  } catch (error) {
    // Made a moment ago, and used by nobody: left there, it would be in the way of the next try.
    rmSync(KEY_FILE, { force: true });
    throw error;
  }
  to.out(`AGENT_KEYS_SIGNING_KEY=./${KEY_FILE}\nAGENT_KEYS_BROKER=${STARTER_BROKER}\n`);
  tellWhatIsNext(to, ignored);
  return 0;
}

function tellWhatIsNext(to: Terminal, ignored: ReturnType<typeof ignoreInGit>): void {
  const git = { already: ", ignored by git", added: ", added to .gitignore", none: "" };
  say(to, `wrote ${CONFIG_FILE}`, "edit it: which services, and what my-agent may do there");
  say(
    to,
    `wrote ${KEY_FILE} (0600${git[ignored ?? "none"]})`,
    "it signs your agent's keys: keep it as you keep a password",
  );
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

/** @throws ConsoleError naming the file that the system does not let us write. */
function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new ConsoleError(
      `${path} cannot be written (${code})`,
      "init writes to the directory that it is run in",
    );
  }
}
