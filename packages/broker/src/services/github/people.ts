import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/** Users, organisations, gists, notifications, search, and what GitHub says of itself. */
export const people: RoutesOf<
  GithubScope,
  | "users.read"
  | "orgs.read"
  | "gists.read"
  | "gists.write"
  | "notifications.read"
  | "notifications.write"
  | "search.read"
  | "meta.read"
> = {
  "users.read": [
    "GET /user",
    "GET /users?since{int}&per_page{int}",
    "GET /users/:username",
    `GET /users/:username/orgs?${page}`,
    `GET /user/orgs?${page}`,
    `GET /user/teams?${page}`,
  ],
  "orgs.read": [
    "GET /orgs/:org",
    `GET /orgs/:org/members?filter&role&${page}`,
    "GET /orgs/:org/members/:username",
    `GET /orgs/:org/public_members?${page}`,
    "GET /orgs/:org/memberships/:username",
    `GET /orgs/:org/teams?team_type&${page}`,
    "GET /orgs/:org/teams/:team_slug",
    `GET /orgs/:org/teams/:team_slug/members?role&${page}`,
    `GET /orgs/:org/teams/:team_slug/repos?${page}`,
  ],
  "gists.read": [
    `GET /gists?since&${page}`,
    `GET /gists/public?since&${page}`,
    `GET /gists/starred?since&${page}`,
    "GET /gists/:gist_id",
    "GET /gists/:gist_id/:sha",
    `GET /gists/:gist_id/commits?${page}`,
    `GET /gists/:gist_id/comments?${page}`,
    "GET /gists/:gist_id/comments/:comment_id{int}",
    `GET /users/:username/gists?since&${page}`,
  ],
  "gists.write": [
    { route: "POST /gists", json: { description: "string", files: "json", public: "string" } },
    { route: "PATCH /gists/:gist_id", json: { description: "string", files: "json" } },
    "DELETE /gists/:gist_id",
    { route: "POST /gists/:gist_id/comments", json: { body: "string" } },
    { route: "PATCH /gists/:gist_id/comments/:comment_id{int}", json: { body: "string" } },
    "DELETE /gists/:gist_id/comments/:comment_id{int}",
    "POST /gists/:gist_id/forks",
    "PUT /gists/:gist_id/star",
    "DELETE /gists/:gist_id/star",
  ],
  "notifications.read": [
    `GET /notifications?all{boolean}&participating{boolean}&since&before&${page}`,
    "GET /notifications/threads/:thread_id{int}",
    "GET /notifications/threads/:thread_id{int}/subscription",
    `GET ${repo}/notifications?all{boolean}&participating{boolean}&since&before&${page}`,
  ],
  "notifications.write": [
    { route: "PUT /notifications", json: { last_read_at: "string", read: "boolean" } },
    { route: `PUT ${repo}/notifications`, json: { last_read_at: "string" } },
    "PATCH /notifications/threads/:thread_id{int}",
    "DELETE /notifications/threads/:thread_id{int}",
    {
      route: "PUT /notifications/threads/:thread_id{int}/subscription",
      json: { ignored: "boolean" },
    },
    "DELETE /notifications/threads/:thread_id{int}/subscription",
  ],
  "search.read": [
    `GET /search/code?q&sort&order&${page}`,
    `GET /search/commits?q&sort&order&${page}`,
    `GET /search/issues?q&sort&order&advanced_search&search_type&${page}`,
    `GET /search/labels?repository_id{int}&q&sort&order&${page}`,
    `GET /search/repositories?q&sort&order&${page}`,
    `GET /search/topics?q&${page}`,
    `GET /search/users?q&sort&order&${page}`,
  ],
  "meta.read": [
    "GET /",
    "GET /rate_limit",
    "GET /meta",
    "GET /emojis",
    `GET /licenses?featured{boolean}&${page}`,
    "GET /licenses/:license",
    "GET /gitignore/templates",
    "GET /gitignore/templates/:name{path}",
  ],
};
