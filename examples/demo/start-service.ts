import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A part of the demo that is a process of its own. */
export interface Started<Ready> {
  /** What it said once it was ready. */
  readonly ready: Ready;
  /** Ends it, and says which requests it had: method, path, status, and the code of a refusal. */
  stop(): Promise<readonly string[]>;
}

/** Starts a file of this folder as a process, and waits until it says `{ ready }`. */
export async function startService<Ready>(
  file: string,
  args: readonly string[],
): Promise<Started<Ready>> {
  const service = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"],
  });
  const served: string[] = [];
  const ready = await new Promise<Ready>((resolve, reject) => {
    service.on("message", (message: { ready?: Ready; served?: string }) => {
      if (message.ready !== undefined) resolve(message.ready);
      if (message.served !== undefined) served.push(message.served);
    });
    service.once("exit", (code) => reject(new Error(`${file} ended: ${code}`)));
  });
  return {
    ready,
    async stop() {
      const exited = once(service, "exit");
      service.disconnect();
      await exited;
      return served;
    },
  };
}
