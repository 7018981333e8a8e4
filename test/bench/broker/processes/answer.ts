import type { Reply } from "../child.ts";

interface Question {
  readonly id: number;
  readonly question: string;
  readonly about: unknown;
}

type Answers = Readonly<Record<string, (about: never) => unknown>>;

/** Answers the questions of whoever started this process, and ends with it. */
export function answer(answers: Answers): void {
  const all: Answers = { processorMicros, ...answers };
  process.on("message", ({ id, question, about }: Question) => {
    void reply(id, async () => await all[question]?.(about as never));
  });
  process.on("disconnect", () => process.exit());
}

async function reply(id: number, find: () => Promise<unknown>): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, value: await find() };
  } catch (error) {
    reply = { id, error: error instanceof Error ? String(error.stack) : String(error) };
  }
  process.send?.(reply);
}

function processorMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
