import { DatabaseSync } from "node:sqlite";
import { makeFile } from "../record/make-file.ts";

/**
 * Holds a file until it is disposed of or the process ends, however that is: SQLite locks it by the
 * operating system, which a file with a process id in it cannot do, since such ids come again.
 *
 * @throws Error when another process holds it, or this one does already.
 */
export function holdLock(path: string): Disposable {
  makeFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new Error(
      "the spool is in use: each process, and each sink in it, needs one of its own",
      { cause },
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}
