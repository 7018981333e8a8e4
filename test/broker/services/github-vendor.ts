import { type Answer, openVendor, type Seen, type Vendor } from "./vendor.ts";

export const GITHUB_TOKEN = "github_pat_11AAAA0real_credential";

const RATE = {
  "x-ratelimit-limit": "5000",
  "x-ratelimit-remaining": "4987",
  "x-github-request-id": "C0DE:1",
};
const DOCS = "https://docs.github.com/rest";

/** Issues 1 to 5 of acme/site. */
const ISSUES = [1, 2, 3, 4, 5].map((number) => ({ number, title: `Issue ${number}` }));

const FILES: Readonly<Record<string, string>> = {
  "docs/guide.md": "# Guide\n",
  "src/a b/100%.ts": "export {};\n",
};

/** GitHub's REST API, as far as its OpenAPI description says what these requests are answered. */
export function openGithub(storageUrl: string): Promise<Vendor> {
  return openVendor(
    `Bearer ${GITHUB_TOKEN}`,
    { status: 401, json: { message: "Bad credentials", documentation_url: DOCS } },
    (request) => withRate(answer(request, storageUrl)),
  );
}

/** The host of release assets. */
export function openGithubUploads(): Promise<Vendor> {
  return openVendor(`Bearer ${GITHUB_TOKEN}`, { status: 401, json: {} }, (request) => {
    const { method, path, query, headers, body } = request;
    if (method !== "POST" || path !== "/repos/acme/site/releases/11/assets") return undefined;
    // It wants to know how long an asset is before it takes any of it.
    if (Number(headers["content-length"]) !== body.byteLength) return { status: 411, json: {} };
    return {
      status: 201,
      json: { id: 21, name: query.get("name"), size: body.byteLength, state: "uploaded" },
    };
  });
}

function withRate(answered: Answer): Answer {
  if (typeof answered === "function") return answered;
  return { ...answered, headers: { ...RATE, ...answered.headers } };
}

function answer(request: Seen, storageUrl: string): Answer {
  const { method, path, query, body } = request;
  const route = `${method} ${path.replace(/^\/repos\/acme\/site/, "@")}`;
  const file = /^GET @\/contents\/(.+)$/.exec(route)?.[1];
  if (file !== undefined) return contents(file);
  switch (route) {
    case "GET @":
      return repository(request);
    case "GET @/issues":
      return issuesPage(request, Number(query.get("page") ?? 1), Number(query.get("per_page")));
    case "POST @/issues":
      return createIssue(body);
    case "GET @/contents":
      return { json: [{ name: "docs", type: "dir" }] };
    case "PUT @/contents/docs/guide.md":
      return { status: 200, json: { content: { path: "docs/guide.md" }, commit: { sha: "c1" } } };
    case "GET @/tarball/heads/main":
      return { status: 302, headers: { location: `${storageUrl}/site.tar.gz?token=signed` } };
    case "GET @/actions/jobs/33/logs":
      return { status: 302, headers: { location: `${storageUrl}/job-33.txt?sig=signed` } };
    case "POST @/actions/workflows/ci.yml/dispatches":
      return { status: 204 };
    case "PUT @/pulls/7/merge":
      return { json: { merged: true, sha: "m1" } };
    default:
      return { status: 404, json: { message: "Not Found", documentation_url: DOCS } };
  }
}

function repository({ headers }: Seen): Answer {
  const etag = 'W/"5e4f"';
  if (headers["if-none-match"] === etag) return { status: 304, headers: { etag } };
  return { headers: { etag }, json: { id: 7, full_name: "acme/site" } };
}

/** Pages are linked as GitHub links them: by the repository's number. */
function issuesPage({ query, headers }: Seen, page: number, perPage: number): Answer {
  const last = Math.ceil(ISSUES.length / perPage);
  const to = (number: number, rel: string): string => {
    const asked = new URLSearchParams(query);
    asked.set("page", String(number));
    return `<http://${headers.host}/repositories/7/issues?${asked.toString()}>; rel="${rel}"`;
  };
  const links = page < last ? [to(page + 1, "next"), to(last, "last")] : [to(1, "first")];
  const json = ISSUES.slice((page - 1) * perPage, page * perPage);
  return { headers: { link: links.join(", ") }, json };
}

function createIssue(body: Buffer): Answer {
  const issue = JSON.parse(body.toString()) as { title?: unknown };
  if (typeof issue.title === "string") return { status: 201, json: { number: 6, ...issue } };
  const errors = [{ resource: "Issue", field: "title", code: "missing_field" }];
  return { status: 422, json: { message: "Validation Failed", errors, documentation_url: DOCS } };
}

function contents(file: string): Answer {
  const text = FILES[file];
  if (text === undefined) return { status: 404, json: { message: "Not Found" } };
  const content = Buffer.from(text).toString("base64");
  return { json: { type: "file", path: file, encoding: "base64", content } };
}
