import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import type { Service } from "../service/service.ts";
import { actions } from "./github/actions.ts";
import { checks } from "./github/checks.ts";
import { contents } from "./github/contents.ts";
import { issues } from "./github/issues.ts";
import type { GithubParameter, GithubScope, GithubUploadsParameter } from "./github/names.ts";
import { repo } from "./github/parts.ts";
import { people } from "./github/people.ts";
import { pulls } from "./github/pulls.ts";
import { releases } from "./github/releases.ts";
import { repositories } from "./github/repositories.ts";
import type { PlacedAt } from "./placed-at.ts";
import type { RoutesOf } from "./routes-of.ts";

const scopes: RoutesOf<GithubScope> = {
  ...repositories,
  ...contents,
  ...releases,
  ...issues,
  ...pulls,
  ...actions,
  ...checks,
  ...people,
};

/**
 * GitHub's REST API at another address: GitHub Enterprise Server's is
 * `https://github.example.com/api/v3`.
 *
 * @throws TypeError when `baseUrl` is not an https URL.
 */
export function defineGithub({
  baseUrl = "https://api.github.com",
  network,
}: PlacedAt = {}): Service<GithubScope, GithubParameter> {
  return defineService({
    name: "github",
    baseUrl,
    network,
    credential: bearer(),
    scopes,
    forwardHeaders: ["x-github-api-version"],
    // GitHub names repositories, organisations and users by number in them: /repositories/1296269/issues.
    pageLinks: "asked-path",
  }) as Service<GithubScope, GithubParameter>;
}

/**
 * GitHub's REST API, for work on repositories, issues, pull requests, actions and what belongs to them.
 * Routes, parameters and their places agree with GitHub's OpenAPI description (as of
 * `@octokit/openapi` 23.0.2); scopes follow the permissions of fine-grained personal access tokens
 * (docs.github.com, 2022-11-28), with a few cut finer.
 *
 * Not here: GraphQL, whose requests are all one route; hooks, deploy keys, secrets and what else
 * administers more than a repository's settings.
 */
export const github: Service<GithubScope, GithubParameter> = defineGithub();

/** Where release assets are uploaded, of another GitHub: `https://github.example.com/api/uploads`. */
export function defineGithubUploads({
  baseUrl = "https://uploads.github.com",
  network,
}: PlacedAt = {}): Service<"github-uploads:releases.write", GithubUploadsParameter> {
  return defineService({
    name: "github-uploads",
    baseUrl,
    network,
    credential: bearer(),
    scopes: {
      "releases.write": [
        { route: `POST ${repo}/releases/:release_id{int}/assets?name&label`, bytes: true },
      ],
    },
    forwardHeaders: ["x-github-api-version"],
  });
}

/**
 * The host that takes release assets. It is a service of its own, since it is another host, and takes
 * the same credential.
 */
export const githubUploads: Service<"github-uploads:releases.write", GithubUploadsParameter> =
  defineGithubUploads();
