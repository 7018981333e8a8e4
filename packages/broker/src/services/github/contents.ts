import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/**
 * Files, commits and git's own objects: GitHub's permission Contents. A path or a ref may be sent with
 * its slashes as they are or encoded; Octokit encodes them.
 *
 * `basehead` may name another repository of the same fork network: constrain it where that matters.
 */
export const contents: RoutesOf<GithubScope, "contents.read" | "contents.write"> = {
  "contents.read": [
    `GET ${repo}/contents?ref`,
    `GET ${repo}/contents/:path*?ref`,
    `GET ${repo}/readme?ref`,
    `GET ${repo}/readme/:dir*?ref`,
    `GET ${repo}/tarball/:ref*`,
    `GET ${repo}/zipball/:ref*`,
    `GET ${repo}/branches?protected{boolean}&${page}`,
    `GET ${repo}/branches/:branch{path}`,
    `GET ${repo}/commits?sha&path&author&committer&since&until&${page}`,
    `GET ${repo}/commits/:ref{path}?${page}`,
    `GET ${repo}/commits/:commit_sha/branches-where-head`,
    `GET ${repo}/commits/:commit_sha/comments?${page}`,
    `GET ${repo}/comments?${page}`,
    `GET ${repo}/comments/:comment_id{int}`,
    `GET ${repo}/compare/:basehead*?${page}`,
    `GET ${repo}/activity?direction&per_page{int}&before&after&ref&actor&time_period&activity_type`,
    `GET ${repo}/codeowners/errors?ref`,
    `GET ${repo}/git/blobs/:file_sha`,
    `GET ${repo}/git/commits/:commit_sha`,
    `GET ${repo}/git/matching-refs/:ref*`,
    `GET ${repo}/git/ref/:ref*`,
    `GET ${repo}/git/tags/:tag_sha`,
    `GET ${repo}/git/trees/:tree_sha?recursive`,
  ],
  "contents.write": [
    {
      route: `PUT ${repo}/contents/:path*`,
      json: {
        message: "string",
        content: "string",
        sha: "string",
        branch: "string",
        committer: "json",
        author: "json",
      },
    },
    {
      route: `DELETE ${repo}/contents/:path*`,
      json: {
        message: "string",
        sha: "string",
        branch: "string",
        committer: "json",
        author: "json",
      },
    },
    { route: `POST ${repo}/branches/:branch{path}/rename`, json: { new_name: "string" } },
    {
      route: `POST ${repo}/merges`,
      json: { base: "string", head: "string", commit_message: "string" },
    },
    { route: `POST ${repo}/merge-upstream`, json: { branch: "string" } },
    {
      route: `POST ${repo}/commits/:commit_sha/comments`,
      json: { body: "string", path: "string", position: "int", line: "int" },
    },
    { route: `PATCH ${repo}/comments/:comment_id{int}`, json: { body: "string" } },
    `DELETE ${repo}/comments/:comment_id{int}`,
    { route: `POST ${repo}/git/blobs`, json: { content: "string", encoding: "string" } },
    {
      route: `POST ${repo}/git/commits`,
      json: {
        message: "string",
        tree: "string",
        parents: "string[]",
        author: "json",
        committer: "json",
        signature: "string",
      },
    },
    { route: `POST ${repo}/git/refs`, json: { ref: "string", sha: "string" } },
    { route: `PATCH ${repo}/git/refs/:ref*`, json: { sha: "string", force: "boolean" } },
    `DELETE ${repo}/git/refs/:ref*`,
    {
      route: `POST ${repo}/git/tags`,
      json: { tag: "string", message: "string", object: "string", type: "string", tagger: "json" },
    },
    { route: `POST ${repo}/git/trees`, json: { tree: "json", base_tree: "string" } },
  ],
};
