/** What is to be done when a process has nothing else left to do. Each is called once, then forgotten. */
const tasks = new Set<() => void>();

/**
 * Asks for a call when the event loop is empty, and before the process ends: not after `process.exit()`,
 * nor where there is no such event. Work that the call begins is waited for. One listener, however many
 * ask, and none while nobody does.
 */
export function beforeExit(task: () => void): void {
  if (tasks.size === 0) emitter()?.on?.("beforeExit", callAll);
  tasks.add(task);
}

/** Takes it back. */
export function notBeforeExit(task: () => void): void {
  if (tasks.delete(task) && tasks.size === 0) emitter()?.off?.("beforeExit", callAll);
}

function callAll(): void {
  // Those of now: one that asks again is for the next time.
  const asked = [...tasks];
  for (const task of asked) {
    notBeforeExit(task);
    task();
  }
}

/** Not every runtime has one, or one that emits. */
function emitter(): Partial<Pick<NodeJS.Process, "on" | "off">> | undefined {
  return (globalThis as { readonly process?: NodeJS.Process }).process;
}
