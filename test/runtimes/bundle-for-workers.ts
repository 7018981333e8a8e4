import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** `program/worker.ts` in one file, made as Wrangler makes it. */
export async function bundleForWorkers(format: "esm" | "iife" = "esm"): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("program/worker.ts", import.meta.url))],
    bundle: true,
    write: false,
    format,
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    // Older packages ask for "path" where they mean "node:path".
    alias: Object.fromEntries(builtinModules.map((name) => [name, `node:${name}`])),
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error("nothing was bundled");
  return bundle.text;
}
