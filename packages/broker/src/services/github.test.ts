import { expect, test } from "vitest";
import { github, githubUploads } from "./github.ts";
import { githubParameters } from "./github/names.ts";

/*
 * What permission GitHub wants for a route, as its documentation says: "Permissions required for
 * fine-grained personal access tokens", API version 2022-11-28 (github/docs 012beaf,
 * src/github-apps/data/fpt-2022-11-28/fine-grained-pat-permissions.json). `@` stands for
 * /repos/{owner}/{repo}.
 */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  "Metadata: read": [
    "GET /gists/{gist_id}/comments/{comment_id}",
    "GET /orgs/{org}/repos",
    "GET @",
    "GET @/collaborators",
    "GET @/collaborators/{username}",
    "GET @/collaborators/{username}/permission",
    "GET @/comments",
    "GET @/comments/{comment_id}",
    "GET @/commits/{commit_sha}/comments",
    "GET @/contributors",
    "GET @/forks",
    "GET @/languages",
    "GET @/license",
    "GET @/rules/branches/{branch}",
    "GET @/stargazers",
    "GET @/subscribers",
    "GET @/tags",
    "GET @/topics",
    "GET /search/labels",
    "GET /user/repos",
    "GET /users/{username}/repos",
  ],
  "Administration: read": ["GET @/branches/{branch}/protection"],
  "Administration: write": [
    "POST /orgs/{org}/repos",
    "DELETE @",
    "PATCH @",
    "DELETE @/branches/{branch}/protection",
    "PUT @/branches/{branch}/protection",
    "DELETE @/collaborators/{username}",
    "PUT @/collaborators/{username}",
    "POST @/forks",
    "PUT @/topics",
    "POST @/transfer",
  ],
  "Contents: read": [
    "GET @/activity",
    "GET @/branches",
    "GET @/branches/{branch}",
    "GET @/codeowners/errors",
    "GET @/commits",
    "GET @/commits/{commit_sha}/branches-where-head",
    "POST @/commits/{commit_sha}/comments",
    "GET @/commits/{ref}",
    "GET @/compare/{basehead}",
    "GET @/contents/{path}",
    "GET @/git/blobs/{file_sha}",
    "GET @/git/commits/{commit_sha}",
    "GET @/git/matching-refs/{ref}",
    "GET @/git/ref/{ref}",
    "GET @/git/tags/{tag_sha}",
    "GET @/git/trees/{tree_sha}",
    "GET @/releases",
    "GET @/releases/assets/{asset_id}",
    "GET @/releases/latest",
    "GET @/releases/tags/{tag}",
    "GET @/releases/{release_id}",
    "GET @/releases/{release_id}/assets",
  ],
  "Contents: write": [
    "POST @/branches/{branch}/rename",
    "DELETE @/comments/{comment_id}",
    "PATCH @/comments/{comment_id}",
    "DELETE @/contents/{path}",
    "PUT @/contents/{path}",
    "POST @/git/blobs",
    "POST @/git/commits",
    "POST @/git/refs",
    "DELETE @/git/refs/{ref}",
    "PATCH @/git/refs/{ref}",
    "POST @/git/tags",
    "POST @/git/trees",
    "POST @/merge-upstream",
    "POST @/merges",
    "PUT @/pulls/{pull_number}/merge",
    "POST @/releases",
    "DELETE @/releases/assets/{asset_id}",
    "PATCH @/releases/assets/{asset_id}",
    "POST @/releases/generate-notes",
    "DELETE @/releases/{release_id}",
    "PATCH @/releases/{release_id}",
  ],
  "Issues: read": [
    "GET @/assignees",
    "GET @/assignees/{assignee}",
    "GET @/issues",
    "GET @/issues/comments",
    "GET @/issues/comments/{comment_id}",
    "GET @/issues/comments/{comment_id}/reactions",
    "GET @/issues/events",
    "GET @/issues/{issue_number}",
    "GET @/issues/{issue_number}/comments",
    "GET @/issues/{issue_number}/events",
    "GET @/issues/{issue_number}/labels",
    "GET @/issues/{issue_number}/reactions",
    "GET @/issues/{issue_number}/timeline",
    "GET @/labels",
    "GET @/labels/{name}",
    "GET @/milestones",
    "GET @/milestones/{milestone_number}",
    "GET @/milestones/{milestone_number}/labels",
  ],
  "Issues: write": [
    "POST @/issues",
    "DELETE @/issues/comments/{comment_id}",
    "PATCH @/issues/comments/{comment_id}",
    "POST @/issues/comments/{comment_id}/reactions",
    "DELETE @/issues/comments/{comment_id}/reactions/{reaction_id}",
    "PATCH @/issues/{issue_number}",
    "DELETE @/issues/{issue_number}/assignees",
    "POST @/issues/{issue_number}/assignees",
    "POST @/issues/{issue_number}/comments",
    "DELETE @/issues/{issue_number}/labels",
    "POST @/issues/{issue_number}/labels",
    "PUT @/issues/{issue_number}/labels",
    "DELETE @/issues/{issue_number}/labels/{name}",
    "DELETE @/issues/{issue_number}/lock",
    "PUT @/issues/{issue_number}/lock",
    "POST @/issues/{issue_number}/reactions",
    "DELETE @/issues/{issue_number}/reactions/{reaction_id}",
    "POST @/labels",
    "DELETE @/labels/{name}",
    "PATCH @/labels/{name}",
    "POST @/milestones",
    "DELETE @/milestones/{milestone_number}",
    "PATCH @/milestones/{milestone_number}",
  ],
  "Pull requests: read": [
    "GET @/commits/{commit_sha}/pulls",
    "GET @/pulls",
    "GET @/pulls/comments",
    "GET @/pulls/comments/{comment_id}",
    "GET @/pulls/{pull_number}",
    "GET @/pulls/{pull_number}/comments",
    "GET @/pulls/{pull_number}/commits",
    "GET @/pulls/{pull_number}/files",
    "GET @/pulls/{pull_number}/merge",
    "GET @/pulls/{pull_number}/requested_reviewers",
    "GET @/pulls/{pull_number}/reviews",
    "GET @/pulls/{pull_number}/reviews/{review_id}",
    "GET @/pulls/{pull_number}/reviews/{review_id}/comments",
  ],
  "Pull requests: write": [
    "POST @/pulls",
    "DELETE @/pulls/comments/{comment_id}",
    "PATCH @/pulls/comments/{comment_id}",
    "PATCH @/pulls/{pull_number}",
    "POST @/pulls/{pull_number}/comments",
    "POST @/pulls/{pull_number}/comments/{comment_id}/replies",
    "DELETE @/pulls/{pull_number}/requested_reviewers",
    "POST @/pulls/{pull_number}/requested_reviewers",
    "POST @/pulls/{pull_number}/reviews",
    "DELETE @/pulls/{pull_number}/reviews/{review_id}",
    "PUT @/pulls/{pull_number}/reviews/{review_id}",
    "PUT @/pulls/{pull_number}/reviews/{review_id}/dismissals",
    "POST @/pulls/{pull_number}/reviews/{review_id}/events",
    "PUT @/pulls/{pull_number}/update-branch",
  ],
  "Actions: read": [
    "GET @/actions/artifacts",
    "GET @/actions/artifacts/{artifact_id}",
    "GET @/actions/artifacts/{artifact_id}/{archive_format}",
    "GET @/actions/jobs/{job_id}",
    "GET @/actions/jobs/{job_id}/logs",
    "GET @/actions/runs",
    "GET @/actions/runs/{run_id}",
    "GET @/actions/runs/{run_id}/artifacts",
    "GET @/actions/runs/{run_id}/attempts/{attempt_number}",
    "GET @/actions/runs/{run_id}/attempts/{attempt_number}/jobs",
    "GET @/actions/runs/{run_id}/attempts/{attempt_number}/logs",
    "GET @/actions/runs/{run_id}/jobs",
    "GET @/actions/runs/{run_id}/logs",
    "GET @/actions/runs/{run_id}/timing",
    "GET @/actions/workflows",
    "GET @/actions/workflows/{workflow_id}",
    "GET @/actions/workflows/{workflow_id}/runs",
  ],
  "Actions: write": [
    "DELETE @/actions/artifacts/{artifact_id}",
    "POST @/actions/jobs/{job_id}/rerun",
    "DELETE @/actions/runs/{run_id}",
    "POST @/actions/runs/{run_id}/cancel",
    "DELETE @/actions/runs/{run_id}/logs",
    "POST @/actions/runs/{run_id}/rerun",
    "POST @/actions/runs/{run_id}/rerun-failed-jobs",
    "PUT @/actions/workflows/{workflow_id}/disable",
    "POST @/actions/workflows/{workflow_id}/dispatches",
    "PUT @/actions/workflows/{workflow_id}/enable",
  ],
  "Commit statuses: read": ["GET @/commits/{ref}/status", "GET @/commits/{ref}/statuses"],
  "Commit statuses: write": ["POST @/statuses/{sha}"],
  "Deployments: read": [
    "GET @/deployments",
    "GET @/deployments/{deployment_id}",
    "GET @/deployments/{deployment_id}/statuses",
    "GET @/deployments/{deployment_id}/statuses/{status_id}",
  ],
  "Deployments: write": [
    "POST @/deployments",
    "DELETE @/deployments/{deployment_id}",
    "POST @/deployments/{deployment_id}/statuses",
  ],
  "Members: read": [
    "GET /orgs/{org}/members",
    "GET /orgs/{org}/members/{username}",
    "GET /orgs/{org}/memberships/{username}",
    "GET /orgs/{org}/public_members",
    "GET /orgs/{org}/teams",
  ],
  "Gists: write": [
    "POST /gists",
    "DELETE /gists/{gist_id}",
    "PATCH /gists/{gist_id}",
    "POST /gists/{gist_id}/comments",
    "DELETE /gists/{gist_id}/comments/{comment_id}",
    "PATCH /gists/{gist_id}/comments/{comment_id}",
    "POST /gists/{gist_id}/forks",
    "DELETE /gists/{gist_id}/star",
    "PUT /gists/{gist_id}/star",
  ],
};

/*
 * Not on that page: they need none, no fine-grained token can do it, or the page is older than the route.
 */
const NOT_LISTED: readonly string[] = [
  "GET /",
  "GET /emojis",
  "GET /gists",
  "GET /gists/public",
  "GET /gists/starred",
  "GET /gists/{gist_id}",
  "GET /gists/{gist_id}/comments",
  "GET /gists/{gist_id}/commits",
  "GET /gists/{gist_id}/{sha}",
  "GET /gitignore/templates",
  "GET /gitignore/templates/{name}",
  "GET /issues",
  "GET /licenses",
  "GET /licenses/{license}",
  "GET /meta",
  "GET /notifications",
  "PUT /notifications",
  "DELETE /notifications/threads/{thread_id}",
  "GET /notifications/threads/{thread_id}",
  "PATCH /notifications/threads/{thread_id}",
  "DELETE /notifications/threads/{thread_id}/subscription",
  "GET /notifications/threads/{thread_id}/subscription",
  "PUT /notifications/threads/{thread_id}/subscription",
  "GET /orgs/{org}",
  "GET /orgs/{org}/issues",
  "GET /orgs/{org}/teams/{team_slug}",
  "GET /orgs/{org}/teams/{team_slug}/members",
  "GET /orgs/{org}/teams/{team_slug}/repos",
  "GET /rate_limit",
  "POST @/actions/runs/{run_id}/force-cancel",
  "POST @/check-runs",
  "GET @/check-runs/{check_run_id}",
  "PATCH @/check-runs/{check_run_id}",
  "GET @/check-runs/{check_run_id}/annotations",
  "POST @/check-runs/{check_run_id}/rerequest",
  "GET @/check-suites/{check_suite_id}",
  "GET @/check-suites/{check_suite_id}/check-runs",
  "POST @/check-suites/{check_suite_id}/rerequest",
  "GET @/commits/{ref}/check-runs",
  "GET @/commits/{ref}/check-suites",
  "GET @/notifications",
  "PUT @/notifications",
  "GET @/readme",
  "GET @/readme/{dir}",
  "GET @/tarball/{ref}",
  "GET @/zipball/{ref}",
  "GET /search/code",
  "GET /search/commits",
  "GET /search/issues",
  "GET /search/repositories",
  "GET /search/topics",
  "GET /search/users",
  "GET /user",
  "GET /user/issues",
  "GET /user/orgs",
  "POST /user/repos",
  "GET /user/teams",
  "GET /users",
  "GET /users/{username}",
  "GET /users/{username}/gists",
  "GET /users/{username}/orgs",
];

/** Which of GitHub's permissions a scope may stand for. */
const MAY_NEED: Readonly<Record<string, readonly string[]>> = {
  "repos.read": ["Metadata: read"],
  "repos.admin": ["Administration: read", "Administration: write"],
  "repos.delete": ["Administration: write"],
  "contents.read": ["Contents: read", "Metadata: read"],
  // To comment on a commit needs no more than to read it, says GitHub. It is a change all the same.
  "contents.write": ["Contents: write", "Contents: read"],
  "releases.read": ["Contents: read"],
  "releases.write": ["Contents: write"],
  "issues.read": ["Issues: read"],
  "issues.write": ["Issues: write"],
  "pulls.read": ["Pull requests: read"],
  "pulls.write": ["Pull requests: write"],
  "pulls.merge": ["Contents: write"],
  "actions.read": ["Actions: read"],
  "actions.write": ["Actions: write"],
  "statuses.read": ["Commit statuses: read"],
  "statuses.write": ["Commit statuses: write"],
  "deployments.read": ["Deployments: read"],
  "deployments.write": ["Deployments: write"],
  "orgs.read": ["Members: read"],
  "gists.read": ["Metadata: read"],
  "gists.write": ["Gists: write"],
  "search.read": ["Metadata: read"],
};

/** A pattern as GitHub writes it. */
function asDocumented(method: string, pattern: string): string {
  const path = pattern.replace(/:(\w+)(?:\*|\{\w+\})?/g, "{$1}");
  return `${method} ${path.replace("/repos/{owner}/{repo}", "@")}`;
}

const permissionOf = new Map(
  Object.entries(DOCUMENTED).flatMap(([permission, routes]) =>
    routes.map((route) => [route, permission] as const),
  ),
);
const routes = github.routes
  // The root of a repository is what GitHub serves for an empty {path}.
  .filter(({ pattern }) => pattern !== "/repos/:owner/:repo/contents")
  .map(({ method, pattern, scopes }) => ({ route: asDocumented(method, pattern), method, scopes }));

const listed = routes.filter(({ route }) => permissionOf.has(route));

test.each(listed)("$route needs $scopes, which agrees with GitHub", ({ route, scopes }) => {
  const permission = permissionOf.get(route);
  for (const scope of scopes) {
    expect(MAY_NEED[scope.replace("github:", "")]).toContain(permission);
  }
});

test("what changes something, says GitHub, is in no scope that reads", () => {
  const wrong = listed.filter(
    ({ route, scopes }) =>
      permissionOf.get(route)?.endsWith(": write") === true &&
      scopes.some((scope) => scope.endsWith(".read")),
  );
  expect(wrong).toEqual([]);
});

test("what GitHub does not list is known not to be listed", () => {
  const others = routes.filter(({ route }) => !permissionOf.has(route)).map(({ route }) => route);
  expect(others.toSorted()).toEqual(NOT_LISTED.toSorted());
});

test("nothing but GET is in a scope that reads", () => {
  const changing = routes.filter(
    ({ method, scopes }) => method !== "GET" && scopes.some((scope) => scope.endsWith(".read")),
  );
  expect(changing).toEqual([]);
});

test("every route of the table is described", () => {
  const described = new Set(routes.map(({ route }) => route));
  const missing = [...permissionOf.keys()].filter((route) => !described.has(route));
  expect(missing).toEqual([]);
});

test("deletion and administration of a repository need scopes of their own", () => {
  const scopesOf = (route: string): readonly string[] | undefined =>
    routes.find((one) => one.route === route)?.scopes;
  expect(scopesOf("DELETE @")).toEqual(["github:repos.delete"]);
  for (const route of ["PATCH @", "POST @/transfer", "PUT @/collaborators/{username}"]) {
    expect(scopesOf(route)).toEqual(["github:repos.admin"]);
  }
  expect(scopesOf("PUT @/pulls/{pull_number}/merge")).toEqual(["github:pulls.merge"]);
});

test("what is on a repository names its owner and it", () => {
  const without = github.routes.filter(
    ({ pattern, parameters }) =>
      pattern.startsWith("/repos/") && !(parameters.has("owner") && parameters.has("repo")),
  );
  expect(without).toEqual([]);
});

test("the exported names are those that the routes declare", () => {
  expect(github.parameters.toSorted()).toEqual(githubParameters.toSorted());
  expect(githubUploads.parameters).toEqual(["owner", "repo", "release_id", "name", "label"]);
});
