import type { RoutesOf } from "../routes-of.ts";
import type { GithubScope } from "./names.ts";
import { page, repo } from "./parts.ts";

/**
 * Issues, their comments, labels, milestones and assignees: GitHub's permission Issues. GitHub counts a
 * pull request among the issues, so these routes reach its comments and labels too. Sub-issues are left
 * out: they are named by an id that may lie in another repository.
 */
export const issues: RoutesOf<GithubScope, "issues.read" | "issues.write"> = {
  "issues.read": [
    `GET ${repo}/issues?milestone&state&assignee&type&creator&mentioned&issue_field_values&labels&sort&direction&since&${page}`,
    `GET ${repo}/issues/:issue_number{int}`,
    `GET ${repo}/issues/:issue_number{int}/comments?since&${page}`,
    `GET ${repo}/issues/:issue_number{int}/events?${page}`,
    `GET ${repo}/issues/:issue_number{int}/labels?${page}`,
    `GET ${repo}/issues/:issue_number{int}/reactions?content&${page}`,
    `GET ${repo}/issues/:issue_number{int}/timeline?exclude&${page}`,
    `GET ${repo}/issues/comments?sort&direction&since&${page}`,
    `GET ${repo}/issues/comments/:comment_id{int}`,
    `GET ${repo}/issues/comments/:comment_id{int}/reactions?content&${page}`,
    `GET ${repo}/issues/events?${page}`,
    `GET ${repo}/assignees?${page}`,
    `GET ${repo}/assignees/:assignee`,
    `GET ${repo}/labels?${page}`,
    `GET ${repo}/labels/:name{path}`,
    `GET ${repo}/milestones?state&sort&direction&${page}`,
    `GET ${repo}/milestones/:milestone_number{int}`,
    `GET ${repo}/milestones/:milestone_number{int}/labels?${page}`,
    `GET /issues?filter&state&labels&sort&direction&since&collab{boolean}&orgs{boolean}&owned{boolean}&pulls{boolean}&${page}`,
    `GET /user/issues?filter&state&labels&sort&direction&since&${page}`,
    `GET /orgs/:org/issues?filter&state&labels&type&sort&direction&since&${page}`,
  ],
  "issues.write": [
    {
      route: `POST ${repo}/issues`,
      json: {
        title: "string",
        body: "string",
        assignee: "string",
        milestone: "string",
        labels: "string[]",
        assignees: "string[]",
        issue_field_values: "json",
        type: "string",
      },
    },
    {
      route: `PATCH ${repo}/issues/:issue_number{int}`,
      json: {
        title: "string",
        body: "string",
        assignee: "string",
        state: "string",
        state_reason: "string",
        duplicate_issue_id: "int",
        milestone: "string",
        labels: "string[]",
        assignees: "string[]",
        issue_field_values: "json",
        type: "string",
      },
    },
    { route: `PUT ${repo}/issues/:issue_number{int}/lock`, json: { lock_reason: "string" } },
    `DELETE ${repo}/issues/:issue_number{int}/lock`,
    { route: `POST ${repo}/issues/:issue_number{int}/comments`, json: { body: "string" } },
    { route: `PATCH ${repo}/issues/comments/:comment_id{int}`, json: { body: "string" } },
    `DELETE ${repo}/issues/comments/:comment_id{int}`,
    { route: `POST ${repo}/issues/:issue_number{int}/labels`, json: { labels: "string[]" } },
    { route: `PUT ${repo}/issues/:issue_number{int}/labels`, json: { labels: "string[]" } },
    `DELETE ${repo}/issues/:issue_number{int}/labels`,
    `DELETE ${repo}/issues/:issue_number{int}/labels/:name{path}`,
    { route: `POST ${repo}/issues/:issue_number{int}/assignees`, json: { assignees: "string[]" } },
    {
      route: `DELETE ${repo}/issues/:issue_number{int}/assignees`,
      json: { assignees: "string[]" },
    },
    { route: `POST ${repo}/issues/:issue_number{int}/reactions`, json: { content: "string" } },
    `DELETE ${repo}/issues/:issue_number{int}/reactions/:reaction_id{int}`,
    {
      route: `POST ${repo}/issues/comments/:comment_id{int}/reactions`,
      json: { content: "string" },
    },
    `DELETE ${repo}/issues/comments/:comment_id{int}/reactions/:reaction_id{int}`,
    {
      route: `POST ${repo}/labels`,
      json: { name: "string", color: "string", description: "string" },
    },
    {
      route: `PATCH ${repo}/labels/:name{path}`,
      json: { new_name: "string", color: "string", description: "string" },
    },
    `DELETE ${repo}/labels/:name{path}`,
    {
      route: `POST ${repo}/milestones`,
      json: { title: "string", state: "string", description: "string", due_on: "string" },
    },
    {
      route: `PATCH ${repo}/milestones/:milestone_number{int}`,
      json: { title: "string", state: "string", description: "string", due_on: "string" },
    },
    `DELETE ${repo}/milestones/:milestone_number{int}`,
  ],
};
