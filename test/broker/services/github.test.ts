import type { AgentKey } from "@agent-keys/core";
import type { Octokit } from "@octokit/rest";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { access, type Agent, USES, type Way } from "./agent.ts";
import { codeOf, failure, type Hub, octokitFor, openHub, site } from "./github-setup.ts";
import type { Vendor } from "./vendor.ts";

let hub: Hub;
let vendor: Vendor;
let uploads: Vendor;
let storage: Vendor;
let agent: Agent;
let trusting: Agent;

beforeAll(async () => {
  hub = await openHub();
  ({ vendor, uploads, storage, agent, trusting } = hub);
});

afterAll(() => hub[Symbol.asyncDispose]());

beforeEach(() => hub.forget());

const octokit = (way: Way, key: AgentKey): Octokit => octokitFor(way, key, vendor);

describe.each(USES)("Octokit in a wrapped tool (%s), by %s", (framework, way) => {
  const run = <T>(grants: string, body: (client: Octokit) => Promise<T>): Promise<T> =>
    agent.inTool(framework, grants, (key) => body(octokit(way, key)));

  test("reads with the real credential, which it never has", async () => {
    const { data, headers } = await run("github:repos.read", (client) =>
      client.rest.repos.get(site),
    );
    expect(data.full_name).toBe("acme/site");
    expect(headers["x-ratelimit-remaining"]).toBe("4987");
    expect(headers["x-github-request-id"]).toBe("C0DE:1");
    expect(vendor.seen[0]?.headers.accept).toBe("application/vnd.github.v3+json");
    expect(vendor.seen[0]?.headers["user-agent"]).toContain("octokit");
    expect(vendor.strangers).toEqual([]);
  });

  test("pages through a list whose links name the repository by number", async () => {
    const issues = await run("github:issues.read", (client) =>
      client.paginate(client.rest.issues.listForRepo, { ...site, per_page: 2, labels: "a,b c" }),
    );
    expect(issues.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(vendor.seen.map(({ path }) => path)).toEqual(Array(3).fill("/repos/acme/site/issues"));
    expect(vendor.seen.map(({ query }) => query.get("page"))).toEqual([null, "2", "3"]);
    expect(vendor.seen.map(({ query }) => query.get("labels"))).toEqual(Array(3).fill("a,b c"));
  });

  test("writes JSON as it was given", async () => {
    const issue = { title: 'Ünïcode “quotes” \u2028 "x"', body: "a\nb", labels: ["bug", "p/1"] };
    const { data, status } = await run("github:issues.write", (client) =>
      client.rest.issues.create({ ...site, ...issue }),
    );
    expect(status).toBe(201);
    expect(data.number).toBe(6);
    expect(JSON.parse(vendor.seen[0]?.body.toString() ?? "")).toEqual(issue);
  });

  test("writes a file where the grant lets it", async () => {
    const file = { path: "docs/guide.md", message: "Say more", content: "IyBHdWlkZQo=" };
    const { data } = await run("github:contents.write", (client) =>
      client.rest.repos.createOrUpdateFileContents({ ...site, ...file }),
    );
    expect(data.commit.sha).toBe("c1");
    const { message, content } = file;
    expect(JSON.parse(vendor.seen[0]?.body.toString() ?? "")).toEqual({ message, content });
  });

  test("reads files by paths with slashes, spaces and percent signs, and the root", async () => {
    const paths = ["docs/guide.md", "src/a b/100%.ts", ""];
    for (const path of paths) {
      await run("github:contents.read", (client) =>
        client.rest.repos.getContent({ ...site, path }),
      );
    }
    expect(vendor.seen.map(({ path }) => path)).toEqual([
      "/repos/acme/site/contents/docs/guide.md",
      "/repos/acme/site/contents/src/a b/100%.ts",
      "/repos/acme/site/contents",
    ]);
  });

  test("a conditional request costs nothing when nothing changed", async () => {
    const error = await failure(
      run("github:repos.read", async (client) => {
        const { headers } = await client.rest.repos.get(site);
        return client.rest.repos.get({ ...site, headers: { "if-none-match": headers.etag } });
      }),
    );
    expect(error).toMatchObject({ name: "HttpError", status: 304 });
    expect(vendor.seen[1]?.headers["if-none-match"]).toBe('W/"5e4f"');
  });

  test("uploads a release asset to the host that takes them", async () => {
    const data = Buffer.from([0, 1, 2, 255, 13, 10, 0]);
    const response = await agent.inTool(framework, "github-uploads:releases.write", (key) =>
      octokit(way, key).rest.repos.uploadReleaseAsset({
        ...site,
        release_id: 11,
        name: "app v1.bin",
        data: data as unknown as string,
        headers: { "content-type": "application/octet-stream" },
        baseUrl: access(way, key, "github-uploads", uploads.url).url,
      }),
    );
    expect(response.data).toMatchObject({ name: "app v1.bin", size: 7, state: "uploaded" });
    expect(uploads.seen[0]?.body.equals(data)).toBe(true);
    expect(uploads.seen[0]?.headers["content-type"]).toBe("application/octet-stream");
  });

  test("an asset that is JSON is uploaded as it is, spaces, duplicates and all", async () => {
    const data = '{ "a": 1,\n  "a": 2 }\n';
    await agent.inTool(framework, "github-uploads:releases.write", (key) =>
      octokit(way, key).rest.repos.uploadReleaseAsset({
        ...site,
        release_id: 11,
        name: "sbom.json",
        data,
        headers: { "content-type": "application/json" },
        baseUrl: access(way, key, "github-uploads", uploads.url).url,
      }),
    );
    expect(uploads.seen[0]?.body.toString()).toBe(data);
  });

  test("GitHub's own errors come as Octokit's", async () => {
    const error = await failure(
      run("github:issues.write", (client) =>
        client.request("POST /repos/acme/site/issues", { body: "no title" }),
      ),
    );
    expect(error).toMatchObject({ name: "HttpError", status: 422 });
    expect(String(error["message"])).toContain("Validation Failed");
    expect(error["response"]).toMatchObject({ data: { errors: [{ field: "title" }] } });
  });

  test("a dispatch, which is answered with nothing", async () => {
    const { status } = await run("github:actions.write", (client) =>
      client.rest.actions.createWorkflowDispatch({ ...site, workflow_id: "ci.yml", ref: "main" }),
    );
    expect(status).toBe(204);
  });

  test("a redirect to signed storage is handed back, and the credential goes nowhere", async () => {
    const { status, headers } = await run("github:contents.read", (client) =>
      client.rest.repos.downloadTarballArchive({
        ...site,
        ref: "heads/main",
        request: {
          redirect: "manual",
          ...(way === "keyFetch" ? { fetch: clientFetch(client) } : {}),
        },
      }),
    );
    expect(status).toBe(302);
    expect(headers.location).toBe(`${storage.url}/site.tar.gz?token=signed`);
    expect(storage.seen).toEqual([]);
    expect(storage.strangers).toEqual([]);
  });

  test.each([
    [
      "another repository",
      "github:issues.read",
      "GET /repos/acme/secret/issues",
      "constraint_failed",
    ],
    ["another owner", "github:repos.read", "GET /repos/evil/site", "constraint_failed"],
    [
      "a file outside docs/",
      "github:contents.write",
      "PUT /repos/acme/site/contents/ci.yml",
      "constraint_failed",
    ],
    [
      "a way out of docs/",
      "github:contents.write",
      "PUT /repos/acme/site/contents/docs%2F..%2Fci.yml",
      "request_invalid",
    ],
    [
      "what another scope allows",
      "github:issues.read",
      "POST /repos/acme/site/issues",
      "insufficient_scope",
    ],
    [
      "to delete the repository",
      "github:repos.read",
      "DELETE /repos/acme/site",
      "insufficient_scope",
    ],
    [
      "to merge",
      "github:contents.write",
      "PUT /repos/acme/site/pulls/7/merge",
      "insufficient_scope",
    ],
    ["what is not described", "github:repos.read", "GET /repos/acme/site/hooks", "route_unknown"],
    [
      "the repository by number",
      "github:issues.read",
      "GET /repositories/7/issues",
      "route_unknown",
    ],
  ])("%s is refused, and GitHub hears nothing", async (_what, scope, route, code) => {
    const error = await failure(run(scope, (client) => client.request(route)));
    expect(error["name"]).toBe("HttpError");
    expect(codeOf(error)).toBe(code);
    expect(vendor.seen).toEqual([]);
    expect(vendor.strangers).toEqual([]);
  });

  test("what the agent itself would allow, the broker's policy still does not", async () => {
    const error = await failure(
      trusting.inTool(framework, "github:issues.read", (key) =>
        octokit(way, key).rest.issues.listForRepo({ owner: "acme", repo: "secret" }),
      ),
    );
    expect(error["status"]).toBe(403);
    expect(codeOf(error)).toBe("policy_denied");
    expect(vendor.seen).toEqual([]);
  });
});

/** Octokit takes the options of one request in place of its own, not beside them. */
function clientFetch(client: Octokit): typeof fetch {
  const { request } = client.request.endpoint.DEFAULTS as { request?: { fetch?: typeof fetch } };
  if (request?.fetch === undefined) throw new Error("the client has no fetch of its own");
  return request.fetch;
}
