/** What is tried with packages that `main.ts` installs outside of this repository. */
export interface Tried {
  readonly name: string;
  /** Exact versions: these are what docs/runtimes.md says. */
  readonly packages: readonly string[];
  /**
   * Runs it.
   *
   * @param modules - The `node_modules` that the packages are in.
   * @returns what is other than docs/runtimes.md says, or `undefined`.
   */
  check(modules: string): Promise<string | undefined>;
}
