import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/** What says whether a commit is good: GitHub's permissions Commit statuses, Checks and Deployments. */
export const checks: RoutesOf<
  GithubScope,
  | "statuses.read"
  | "statuses.write"
  | "checks.read"
  | "checks.write"
  | "deployments.read"
  | "deployments.write"
> = {
  "statuses.read": [
    `GET ${repo}/commits/:ref{path}/status?${page}`,
    `GET ${repo}/commits/:ref{path}/statuses?${page}`,
  ],
  "statuses.write": [
    {
      route: `POST ${repo}/statuses/:sha`,
      json: { state: "string", target_url: "string", description: "string", context: "string" },
    },
  ],
  "checks.read": [
    `GET ${repo}/commits/:ref{path}/check-runs?check_name&status&filter&app_id{int}&${page}`,
    `GET ${repo}/commits/:ref{path}/check-suites?app_id{int}&check_name&${page}`,
    `GET ${repo}/check-runs/:check_run_id{int}`,
    `GET ${repo}/check-runs/:check_run_id{int}/annotations?${page}`,
    `GET ${repo}/check-suites/:check_suite_id{int}`,
    `GET ${repo}/check-suites/:check_suite_id{int}/check-runs?check_name&status&filter&${page}`,
  ],
  "checks.write": [
    {
      route: `POST ${repo}/check-runs`,
      json: {
        name: "string",
        head_sha: "string",
        details_url: "string",
        external_id: "string",
        status: "string",
        started_at: "string",
        conclusion: "string",
        completed_at: "string",
        output: "json",
        actions: "json",
      },
    },
    {
      route: `PATCH ${repo}/check-runs/:check_run_id{int}`,
      json: {
        name: "string",
        details_url: "string",
        external_id: "string",
        started_at: "string",
        status: "string",
        conclusion: "string",
        completed_at: "string",
        output: "json",
        actions: "json",
      },
    },
    `POST ${repo}/check-runs/:check_run_id{int}/rerequest`,
    `POST ${repo}/check-suites/:check_suite_id{int}/rerequest`,
  ],
  "deployments.read": [
    `GET ${repo}/deployments?sha&ref&task&environment&${page}`,
    `GET ${repo}/deployments/:deployment_id{int}`,
    `GET ${repo}/deployments/:deployment_id{int}/statuses?${page}`,
    `GET ${repo}/deployments/:deployment_id{int}/statuses/:status_id{int}`,
  ],
  "deployments.write": [
    {
      route: `POST ${repo}/deployments`,
      json: {
        ref: "string",
        task: "string",
        auto_merge: "boolean",
        required_contexts: "string[]",
        payload: "string",
        environment: "string",
        description: "string",
        transient_environment: "boolean",
        production_environment: "boolean",
      },
    },
    `DELETE ${repo}/deployments/:deployment_id{int}`,
    {
      route: `POST ${repo}/deployments/:deployment_id{int}/statuses`,
      json: {
        state: "string",
        target_url: "string",
        log_url: "string",
        description: "string",
        environment: "string",
        environment_url: "string",
        auto_inactive: "boolean",
      },
    },
  ],
};
