export { defineGithub, defineGithubUploads, github, githubUploads } from "./github.ts";
export type { GithubParameter, GithubScope, GithubUploadsParameter } from "./github/names.ts";
export type { GrantFor } from "./granted.ts";
export { defineOpenai, openai } from "./openai.ts";
export type { OpenaiParameter, OpenaiScope } from "./openai/names.ts";
export type { PlacedAt } from "./placed-at.ts";
export { s3, type S3Parameter, type S3Place, type S3Scope } from "./s3.ts";
export { defineSlack, defineSlackFiles, slack, slackFiles } from "./slack.ts";
export type {
  SlackFilesParameter,
  SlackFilesScope,
  SlackParameter,
  SlackScope,
} from "./slack/names.ts";
