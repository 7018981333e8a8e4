import type { PostgresClient, PostgresPool } from "./client.ts";

/** A client of a pool, while it is ours. */
export interface BorrowedClient {
  readonly client: PostgresClient;
  /** @param isWhole - Whether it can be used again: not in a transaction, nor broken off. */
  giveBack(isWhole: boolean): void;
}

/** Takes a client out of a pool. */
export async function borrowClient(pool: PostgresPool): Promise<BorrowedClient> {
  const client = await pool.connect();
  // The statement that runs then rejects too; but an event without a listener ends the process, and the
  // pool listens only to clients that nobody has.
  client.on("error", ignore);
  return {
    client,
    giveBack(isWhole) {
      // One that is thrown away may yet say why.
      if (isWhole) client.off("error", ignore);
      client.release(!isWhole);
    },
  };
}

function ignore(): void {}
