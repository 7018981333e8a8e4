import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BrokerOptions } from "@agent-keys/broker";
import { causeOf } from "./complain.ts";
import { ConsoleError } from "./console-error.ts";

/** The name that is looked for where none is given, and that `init` writes. */
export const CONFIG_FILE = "agent-keys.config.ts";

/**
 * Runs a configuration file and takes its default export. Node itself reads TypeScript, without looking
 * at its types.
 *
 * @throws ConsoleError that names the file.
 */
export async function loadConfig(path: string): Promise<BrokerOptions> {
  if (!existsSync(path)) {
    throw new ConsoleError(
      `${resolve(path)} does not exist`,
      "agent-keys init writes one; --config names another",
    );
  }
  const { href } = pathToFileURL(resolve(path));
  const exported = await importModule(href).catch((error: unknown) => {
    throw explain(path, error);
  });
  const options = exported["default"];
  if (typeof options === "object" && options !== null) return options as BrokerOptions;
  throw new ConsoleError(
    `${path} has no default export of options`,
    "it ends in: export default defineConfig({ ... })",
  );
}

async function importModule(href: string): Promise<Record<string, unknown>> {
  // The next package.json may call every .ts file CommonJS, as the one of npm init does.
  const hooks = registerHooks({
    load: (url, context, next) => {
      const isOurs = url === href && url.endsWith(".ts");
      return next(url, isOurs ? { ...context, format: "module-typescript" } : context);
    },
  });
  try {
    return (await import(href)) as Record<string, unknown>;
  } finally {
    hooks.deregister();
  }
}

function explain(path: string, thrown: unknown): ConsoleError {
  const error = causeOf(thrown);
  const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const [sentence = ""] = (message ?? String(error)).split("\n");
  return new ConsoleError(`${path}: ${sentence}`, hintFor(code, sentence));
}

function hintFor(code: string | undefined, message: string): string {
  if (code === "ERR_MODULE_NOT_FOUND" && message.includes("@agent-keys/")) {
    return "npm install @agent-keys/core @agent-keys/broker @agent-keys/secrets";
  }
  if (code === "ERR_UNKNOWN_FILE_EXTENSION") return "Node reads TypeScript from 22.18 on";
  return "the file is run as it stands, so it must run by itself";
}
