import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { RFC9162 as rfc9162 } from "@transmute/rfc9162";

// What sigstore's clients check Rekor's checkpoints and proofs with; its index does not list it.
const require = createRequire(import.meta.url);
const sigstore = dirname(require.resolve("@sigstore/verify/package.json"));
const { verifyMerkleInclusion } = require(join(sigstore, "dist/tlog/merkle.js")) as {
  verifyMerkleInclusion: (
    entry: {
      canonicalizedBody: Buffer;
      inclusionProof: { logIndex: string; hashes: readonly Buffer[] };
    },
    checkpoint: { logSize: bigint; logHash: Buffer },
  ) => void;
};
const { verifyCheckpoint } = require(join(sigstore, "dist/tlog/checkpoint.js")) as {
  verifyCheckpoint: (
    entry: { inclusionProof: { checkpoint: { envelope: string } } },
    logs: readonly { logID: Buffer; baseURL: string; publicKey: unknown }[],
  ) => { origin: string; logSize: bigint; logHash: Buffer };
};

/** Whether sigstore takes an inclusion proof. */
export function sigstoreIncludes(claim: {
  readonly leaf: Buffer;
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  readonly proof: readonly Buffer[];
}): boolean {
  try {
    verifyMerkleInclusion(
      {
        canonicalizedBody: claim.leaf,
        inclusionProof: { logIndex: String(claim.index), hashes: claim.proof },
      },
      { logSize: BigInt(claim.size), logHash: claim.root },
    );
    return true;
  } catch {
    return false;
  }
}

/** A checkpoint as sigstore reads it. Throws when it is not signed by the key. */
export function sigstoreCheckpoint(
  envelope: string,
  key: { readonly name: string; readonly id: Buffer; readonly publicKey: unknown },
): { readonly origin: string; readonly size: number; readonly root: Buffer } {
  const log = { logID: key.id, baseURL: key.name, publicKey: key.publicKey };
  const read = verifyCheckpoint({ inclusionProof: { checkpoint: { envelope } } }, [log]);
  return { origin: read.origin, size: Number(read.logSize), root: read.logHash };
}

/** The root of the tree that the package of Transmute builds. */
export async function transmuteRoot(leaves: readonly Buffer[]): Promise<Buffer> {
  return Buffer.from(await rfc9162.treeHead([...leaves]));
}

/** Whether the package of Transmute takes an inclusion proof. */
export async function transmuteIncludes(claim: {
  readonly leafHash: Buffer;
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  readonly proof: readonly Buffer[];
}): Promise<boolean> {
  return rfc9162.verifyInclusionProof(claim.root, claim.leafHash, {
    log_id: "",
    tree_size: claim.size,
    leaf_index: claim.index,
    inclusion_path: [...claim.proof],
  });
}

/**
 * Whether the package of Transmute takes a consistency proof. It wants to be told the first root
 * where that is itself a subtree of the second, which RFC 9162 §2.1.4.2 leaves to whoever checks.
 */
export async function transmuteConsistent(claim: {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: Buffer;
  readonly secondRoot: Buffer;
  readonly proof: readonly Buffer[];
}): Promise<boolean> {
  const isSubtree = Number.isInteger(Math.log2(claim.first));
  return rfc9162.verifyConsistencyProof(claim.firstRoot, claim.secondRoot, {
    log_id: "",
    tree_size_1: claim.first,
    tree_size_2: claim.second,
    consistency_path: isSubtree ? [claim.firstRoot, ...claim.proof] : [...claim.proof],
  });
}
