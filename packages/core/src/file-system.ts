import type * as FileSystem from "node:fs";

let loaded: typeof FileSystem | undefined;

/**
 * `node:fs`, looked up when something is first read or written: core is imported in places that have
 * no file system, and works there with sinks and keys that need none.
 *
 * @throws Error where there is none.
 */
export function fs(): typeof FileSystem {
  loaded ??= process.getBuiltinModule?.("node:fs");
  if (loaded === undefined) throw new Error("there is no file system here; use jsonSink()");
  return loaded;
}

/** Whether files can be read and written here. */
export function hasFileSystem(): boolean {
  loaded ??= process.getBuiltinModule?.("node:fs");
  return loaded !== undefined;
}
