import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/** Releases: GitHub's permission Contents too, but apart here, since to release is not to push. */
export const releases: RoutesOf<GithubScope, "releases.read" | "releases.write"> = {
  "releases.read": [
    `GET ${repo}/releases?${page}`,
    `GET ${repo}/releases/latest`,
    `GET ${repo}/releases/tags/:tag*`,
    `GET ${repo}/releases/:release_id{int}`,
    `GET ${repo}/releases/:release_id{int}/assets?${page}`,
    `GET ${repo}/releases/assets/:asset_id{int}`,
  ],
  "releases.write": [
    {
      route: `POST ${repo}/releases`,
      json: {
        tag_name: "string",
        target_commitish: "string",
        name: "string",
        body: "string",
        draft: "boolean",
        prerelease: "boolean",
        discussion_category_name: "string",
        generate_release_notes: "boolean",
        make_latest: "string",
      },
    },
    {
      route: `POST ${repo}/releases/generate-notes`,
      json: {
        tag_name: "string",
        target_commitish: "string",
        previous_tag_name: "string",
        configuration_file_path: "string",
      },
    },
    {
      route: `PATCH ${repo}/releases/:release_id{int}`,
      json: {
        tag_name: "string",
        target_commitish: "string",
        name: "string",
        body: "string",
        draft: "boolean",
        prerelease: "boolean",
        make_latest: "string",
        discussion_category_name: "string",
      },
    },
    `DELETE ${repo}/releases/:release_id{int}`,
    {
      route: `PATCH ${repo}/releases/assets/:asset_id{int}`,
      json: { name: "string", label: "string", state: "string" },
    },
    `DELETE ${repo}/releases/assets/:asset_id{int}`,
  ],
};
