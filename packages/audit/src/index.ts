/**
 * The audit record at scale.
 *
 * @module
 */
export { checkpoints, type CheckpointsOptions } from "./checkpoints.ts";
export {
  checkpointFile,
  CheckpointError,
  type CheckpointOptions,
} from "./tree/checkpoint-record.ts";
export { compactRange, type CompactRange, type Subtree } from "./merkle/compact-range.ts";
export { leafHash, nodeHash } from "./merkle/hashing.ts";
export { consistencyRanges, inclusionRanges, type LeafRange } from "./merkle/proofs.ts";
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from "./merkle/verify-proofs.ts";
export {
  type Checkpoint,
  type FoundCheckpoints,
  readCheckpoint,
  readCheckpoints,
  type SignedCheckpoint,
} from "./note/checkpoint.ts";
export {
  isSignedBy,
  type Note,
  type NoteSignature,
  type NoteVerifier,
  noteVerifier,
  verifierText,
} from "./note/note.ts";
export {
  type InclusionProof,
  proofText,
  type ProofTrust,
  readProof,
  verifyProof,
} from "./proof.ts";
export { proveEvent, type ProveOptions } from "./tree/prove-event.ts";
export {
  type TreeFinding,
  type TreeFindingCode,
  type TreeReport,
  verifyRecord,
  type VerifyRecordOptions,
} from "./tree/verify-record.ts";
export { exporter, type Exporter, type ExportFormat, exportFormats } from "./export/exporter.ts";
export { indexRecord, type IndexReport } from "./lookup/index-record.ts";
export type { FacetKind, Wanted } from "./lookup/facets.ts";
export { openIndex, type RecordIndex } from "./lookup/read-index.ts";
