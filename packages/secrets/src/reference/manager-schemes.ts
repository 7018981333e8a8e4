import { jsonField } from "./json-field.ts";
import type { Reference, Scheme } from "./scheme.ts";
import { textOf } from "./text-of.ts";

/** The schemes of managers that hold a text under a name. */
export const MANAGER_SCHEMES: Readonly<Record<string, Scheme>> = {
  aws: {
    form: "aws:prod/github[#json.field][?version=…&stage=AWSPREVIOUS&region=eu-central-1]",
    segments: [1, 255],
    field: "optional",
    parameters: ["version", "stage", "region"],
    canBeRooted: true,
    async open(reference) {
      const { aws } = await import("../aws/secrets-manager.ts");
      const { version, stage, region } = given(reference);
      return whole(aws({ id: pathOf(reference), version, stage, region }), reference);
    },
  },
  ssm: {
    form: "ssm:/prod/github[#json.field][?version=3&region=eu-central-1]",
    segments: [1, 255],
    field: "optional",
    parameters: ["version", "region"],
    canBeRooted: true,
    async open(reference) {
      const { ssm } = await import("../aws/parameter-store.ts");
      const { version, region } = given(reference);
      return whole(ssm({ name: pathOf(reference), version, region }), reference);
    },
  },
  doppler: {
    form: "doppler:project/config/GITHUB_TOKEN[#json.field]",
    segments: [3, 3],
    field: "optional",
    parameters: [],
    async open(reference) {
      const { doppler } = await import("../doppler/index.ts");
      const [project = "", config = "", name = ""] = reference.segments;
      return whole(doppler({ project, config, name }), reference);
    },
  },
  gcp: {
    form: "gcp:projects/acme-prod/secrets/github[/versions/3][#json.field]",
    segments: [4, 6],
    field: "optional",
    parameters: [],
    problem({ segments }) {
      const [projects, , secrets, , versions = "versions"] = segments;
      const isWhole = projects === "projects" && secrets === "secrets" && versions === "versions";
      if (isWhole && segments.length !== 5) return undefined;
      return "this is no projects/…/secrets/… or projects/…/secrets/…/versions/…";
    },
    async open(reference) {
      const { gcp } = await import("../gcp/index.ts");
      const [, project = "", , secret = "", , version] = reference.segments;
      return whole(gcp({ project, secret, version }), reference);
    },
  },
  azure: {
    form: "azure:vault/secret[/version][#json.field]",
    segments: [2, 3],
    field: "optional",
    parameters: [],
    async open(reference) {
      const { azure } = await import("../azure/index.ts");
      const [vault = "", secret = "", version] = reference.segments;
      return whole(azure({ vault, secret, version }), reference);
    },
  },
  infisical: {
    form: "infisical:project-id/prod[/folder…]/GITHUB_TOKEN[#json.field][?version=3]",
    segments: [3, 64],
    field: "optional",
    parameters: ["version"],
    problem({ parameters }) {
      const version = parameters.get("version") ?? "1";
      return /^[1-9]\d{0,8}$/.test(version) ? undefined : "its version is no number";
    },
    async open(reference) {
      const { infisical } = await import("../infisical/index.ts");
      const [project = "", environment = "", ...rest] = reference.segments;
      const name = rest.pop() ?? "";
      const { version } = given(reference);
      const secret = { project, environment, path: rest.join("/"), name };
      const numbered = version === undefined ? secret : { ...secret, version: Number(version) };
      return whole(infisical(numbered), reference);
    },
  },
  op: {
    form: "op:vault/item[/section]/field",
    segments: [3, 4],
    field: "none",
    parameters: [],
    async open({ segments }) {
      const { onepassword } = await import("../onepassword/index.ts");
      const [vault = "", item = "", ...rest] = segments;
      const field = rest.pop() ?? "";
      return onepassword({ vault, item, field, section: rest[0] });
    },
  },
};

const pathOf = ({ isRooted, segments }: Reference): string =>
  `${isRooted ? "/" : ""}${segments.join("/")}`;

const given = ({ parameters }: Reference): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(parameters);

const whole = (source: Parameters<typeof jsonField>[0], reference: Reference): typeof source =>
  jsonField(source, reference.field, textOf(reference));
