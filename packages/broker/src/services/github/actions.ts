import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/**
 * Workflows, runs, jobs and artifacts: GitHub's permission Actions. Logs and archives are answered with a
 * redirect to a signed URL of a storage host, which is returned as it is and never followed here.
 */
export const actions: RoutesOf<GithubScope, "actions.read" | "actions.write"> = {
  "actions.read": [
    `GET ${repo}/actions/runs?actor&branch&event&status&created&exclude_pull_requests{boolean}&check_suite_id{int}&head_sha&${page}`,
    `GET ${repo}/actions/runs/:run_id{int}?exclude_pull_requests{boolean}`,
    `GET ${repo}/actions/runs/:run_id{int}/jobs?filter&${page}`,
    `GET ${repo}/actions/runs/:run_id{int}/logs`,
    `GET ${repo}/actions/runs/:run_id{int}/artifacts?name&direction&${page}`,
    `GET ${repo}/actions/runs/:run_id{int}/timing`,
    `GET ${repo}/actions/runs/:run_id{int}/attempts/:attempt_number{int}?exclude_pull_requests{boolean}`,
    `GET ${repo}/actions/runs/:run_id{int}/attempts/:attempt_number{int}/jobs?${page}`,
    `GET ${repo}/actions/runs/:run_id{int}/attempts/:attempt_number{int}/logs`,
    `GET ${repo}/actions/jobs/:job_id{int}`,
    `GET ${repo}/actions/jobs/:job_id{int}/logs`,
    `GET ${repo}/actions/artifacts?name&${page}`,
    `GET ${repo}/actions/artifacts/:artifact_id{int}`,
    `GET ${repo}/actions/artifacts/:artifact_id{int}/:archive_format`,
    `GET ${repo}/actions/workflows?${page}`,
    `GET ${repo}/actions/workflows/:workflow_id`,
    `GET ${repo}/actions/workflows/:workflow_id/runs?actor&branch&event&status&created&exclude_pull_requests{boolean}&check_suite_id{int}&head_sha&${page}`,
  ],
  "actions.write": [
    {
      route: `POST ${repo}/actions/workflows/:workflow_id/dispatches`,
      json: { ref: "string", inputs: "json", return_run_details: "boolean" },
    },
    `PUT ${repo}/actions/workflows/:workflow_id/enable`,
    `PUT ${repo}/actions/workflows/:workflow_id/disable`,
    {
      route: `POST ${repo}/actions/runs/:run_id{int}/rerun`,
      json: { enable_debug_logging: "boolean" },
    },
    {
      route: `POST ${repo}/actions/runs/:run_id{int}/rerun-failed-jobs`,
      json: { enable_debug_logging: "boolean" },
    },
    `POST ${repo}/actions/runs/:run_id{int}/cancel`,
    `POST ${repo}/actions/runs/:run_id{int}/force-cancel`,
    {
      route: `POST ${repo}/actions/jobs/:job_id{int}/rerun`,
      json: { enable_debug_logging: "boolean", enable_debugger: "boolean" },
    },
    `DELETE ${repo}/actions/runs/:run_id{int}`,
    `DELETE ${repo}/actions/runs/:run_id{int}/logs`,
    `DELETE ${repo}/actions/artifacts/:artifact_id{int}`,
  ],
};
