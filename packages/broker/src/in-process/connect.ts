import type { InProcess, InProcessHost } from "@agent-keys/core/enforce";

/** Lends the engine to keys of the same process. It is loaded with the first request. */
export function connect(host: InProcessHost): InProcess {
  let opened: Promise<InProcess> | undefined;
  const open = async (): Promise<InProcess> => {
    const { openInProcess } = await import("./open-in-process.ts");
    return openInProcess(host);
  };
  return {
    async handle(request) {
      opened ??= open();
      return (await opened).handle(request);
    },
    async close() {
      await (await opened)?.close();
    },
  };
}
