import { checkpointFile, CheckpointError, noteVerifier, verifierText } from "@agent-keys/audit";
import { oneFile } from "../audit-file.ts";
import { say } from "../complain.ts";
import { ConsoleError } from "../console-error.ts";
import { parseFlags } from "../parse-flags.ts";
import { readText } from "../read-key.ts";
import type { Terminal } from "../terminal.ts";

const one = { type: "string" } as const;
const OPTIONS = { file: one, key: one, origin: one, json: { type: "boolean" } } as const;
const KEY_HINT = "openssl genpkey -algorithm ed25519 -out audit.key makes one";

/** Signs a checkpoint over all that the record has so far. */
export async function checkpoint(args: readonly string[], to: Terminal): Promise<number> {
  const { values } = parseFlags(args, { command: "checkpoint", options: OPTIONS, valueHint });
  const { key: keyFile, origin, json } = values;
  if (keyFile === undefined) throw new ConsoleError("checkpoint needs --key", KEY_HINT);
  const file = oneFile(values.file);
  const key = readText(keyFile, KEY_HINT);
  const made = await signed(file, { key, origin });
  const verifier = verifierText(noteVerifier(made.origin, key));
  const { size, root, envelope } = made;
  if (json === true) {
    const fields = { origin: made.origin, size, root: root.toString("base64"), key: verifier };
    to.out(`${JSON.stringify({ ...fields, checkpoint: envelope })}\n`);
  } else {
    to.out(envelope);
    say(to, `a checkpoint of ${size} lines; keep it elsewhere`, `verify with --key ${verifier}`);
  }
  return 0;
}

async function signed(
  file: string,
  options: { readonly key: string; readonly origin: string | undefined },
): Promise<NonNullable<Awaited<ReturnType<typeof checkpointFile>>>> {
  try {
    const made = await checkpointFile(file, options);
    if (made !== undefined) return made;
  } catch (error) {
    if (error instanceof TypeError) throw new ConsoleError(error.message, KEY_HINT);
    if (!(error instanceof CheckpointError)) throw error;
    const hint = `nothing was signed; agent-keys verify ${file} --checkpoint ${file}.checkpoints says more`;
    throw new ConsoleError(error.message, hint);
  }
  throw new ConsoleError(`${file} has no whole line yet`, "a checkpoint is over what is there");
}

function valueHint(flag: string): string {
  if (flag === "key") return KEY_HINT;
  if (flag === "origin") return "a name like --origin example.com/audit";
  return "the path of a file";
}
