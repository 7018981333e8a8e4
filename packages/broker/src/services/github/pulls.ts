import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/**
 * Pull requests and reviews: GitHub's permission Pull requests. To merge one is to push to its base, needs
 * Contents (write), and is a scope of its own.
 */
export const pulls: RoutesOf<GithubScope, "pulls.read" | "pulls.write" | "pulls.merge"> = {
  "pulls.read": [
    `GET ${repo}/pulls?state&head&base&sort&direction&${page}`,
    `GET ${repo}/pulls/:pull_number{int}`,
    `GET ${repo}/pulls/:pull_number{int}/files?${page}`,
    `GET ${repo}/pulls/:pull_number{int}/commits?${page}`,
    `GET ${repo}/pulls/:pull_number{int}/merge`,
    `GET ${repo}/pulls/:pull_number{int}/comments?sort&direction&since&${page}`,
    `GET ${repo}/pulls/comments?sort&direction&since&${page}`,
    `GET ${repo}/pulls/comments/:comment_id{int}`,
    `GET ${repo}/pulls/:pull_number{int}/reviews?${page}`,
    `GET ${repo}/pulls/:pull_number{int}/reviews/:review_id{int}`,
    `GET ${repo}/pulls/:pull_number{int}/reviews/:review_id{int}/comments?${page}`,
    `GET ${repo}/pulls/:pull_number{int}/requested_reviewers`,
    `GET ${repo}/commits/:commit_sha/pulls?${page}`,
  ],
  "pulls.write": [
    {
      route: `POST ${repo}/pulls`,
      json: {
        title: "string",
        head: "string",
        head_repo: "string",
        base: "string",
        body: "string",
        maintainer_can_modify: "boolean",
        draft: "boolean",
        issue: "int",
      },
    },
    {
      route: `PATCH ${repo}/pulls/:pull_number{int}`,
      json: {
        title: "string",
        body: "string",
        state: "string",
        base: "string",
        maintainer_can_modify: "boolean",
      },
    },
    {
      route: `PUT ${repo}/pulls/:pull_number{int}/update-branch`,
      json: { expected_head_sha: "string" },
    },
    {
      route: `POST ${repo}/pulls/:pull_number{int}/comments`,
      json: {
        body: "string",
        commit_id: "string",
        path: "string",
        position: "int",
        side: "string",
        line: "int",
        start_line: "int",
        start_side: "string",
        in_reply_to: "int",
        subject_type: "string",
      },
    },
    {
      route: `POST ${repo}/pulls/:pull_number{int}/comments/:comment_id{int}/replies`,
      json: { body: "string" },
    },
    { route: `PATCH ${repo}/pulls/comments/:comment_id{int}`, json: { body: "string" } },
    `DELETE ${repo}/pulls/comments/:comment_id{int}`,
    {
      route: `POST ${repo}/pulls/:pull_number{int}/reviews`,
      json: { commit_id: "string", body: "string", event: "string", comments: "json" },
    },
    {
      route: `PUT ${repo}/pulls/:pull_number{int}/reviews/:review_id{int}`,
      json: { body: "string" },
    },
    `DELETE ${repo}/pulls/:pull_number{int}/reviews/:review_id{int}`,
    {
      route: `POST ${repo}/pulls/:pull_number{int}/reviews/:review_id{int}/events`,
      json: { body: "string", event: "string" },
    },
    {
      route: `PUT ${repo}/pulls/:pull_number{int}/reviews/:review_id{int}/dismissals`,
      json: { message: "string", event: "string" },
    },
    {
      route: `POST ${repo}/pulls/:pull_number{int}/requested_reviewers`,
      json: { reviewers: "string[]", team_reviewers: "string[]" },
    },
    {
      route: `DELETE ${repo}/pulls/:pull_number{int}/requested_reviewers`,
      json: { reviewers: "string[]", team_reviewers: "string[]" },
    },
  ],
  "pulls.merge": [
    {
      route: `PUT ${repo}/pulls/:pull_number{int}/merge`,
      json: {
        commit_title: "string",
        commit_message: "string",
        sha: "string",
        merge_method: "string",
      },
    },
  ],
};
