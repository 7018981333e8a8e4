/** One repository. A grant that names `owner` and `repo` is held to it by every route that begins so. */
export const repo = "/repos/:owner/:repo";

/** How GitHub's lists are paged. */
export const page = "per_page{int}&page{int}";
