import { isVariableName } from "../env.ts";
import { jsonField } from "./json-field.ts";
import { MANAGER_SCHEMES } from "./manager-schemes.ts";
import type { Scheme } from "./scheme.ts";
import { textOf } from "./text-of.ts";
import { VAULT_SCHEMES } from "./vault-schemes.ts";

/** Every scheme there is. A provider is imported when a secret of it is first read, and never before. */
export const SCHEMES: Readonly<Record<string, Scheme>> = {
  env: {
    form: "env:GITHUB_TOKEN",
    segments: [1, 1],
    field: "none",
    parameters: [],
    isShown: false,
    problem: ({ segments: [name = ""] }) =>
      isVariableName(name) ? undefined : "this is not the name of a variable",
    open: async ({ segments: [name = ""] }) => (await import("../env.ts")).env(name),
  },
  file: {
    form: "file:/run/secrets/github[#json.field]",
    segments: [1, 255],
    field: "optional",
    parameters: [],
    canBeRooted: true,
    isFilePath: true,
    async open(reference) {
      const { file } = await import("../file.ts");
      const path = `${reference.isRooted ? "/" : ""}${reference.segments.join("/")}`;
      return jsonField(file(path), reference.field, textOf(reference));
    },
  },
  ...VAULT_SCHEMES,
  ...MANAGER_SCHEMES,
};
