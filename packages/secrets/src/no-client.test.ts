import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const PROVIDERS = ["aws", "azure", "doppler", "gcp", "infisical", "onepassword", "vault"];
const ENTRIES = ["./index.ts", ...PROVIDERS.map((provider) => `./${provider}/index.ts`)];

test("no vendor's client is loaded before one of its secrets is read", () => {
  const wanted = ENTRIES.map((entry) => new URL(entry, import.meta.url).href);
  // Another process: this one may have loaded a client for another test.
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({
      load(url, context, next) {
        loaded.push(url);
        return next(url, context);
      },
    });
    for (const url of ${JSON.stringify(wanted)}) await import(url);
    const { secret } = await import(${JSON.stringify(wanted[0])});
    secret("aws:prod/github");
    const { aws } = await import(${JSON.stringify(wanted[1])});
    aws({ id: "prod/github" });
    process.stdout.write(JSON.stringify(loaded));`;
  const options = ["--conditions=@agent-keys/source", "--input-type=module", "-e", script];
  const answer = execFileSync(process.execPath, options, { encoding: "utf8" });
  const loaded = JSON.parse(answer) as string[];
  const packages = loaded.flatMap(
    (url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [],
  );
  for (const url of wanted) expect(loaded).toContain(url);
  expect([...new Set(packages)].toSorted()).toEqual(["jose", "zod"]);
});
