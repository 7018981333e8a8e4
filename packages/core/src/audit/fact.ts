import { deepFreeze } from "../deep-freeze.ts";
import type { AuditFact, KeyRecord, RequestRecord } from "./event.ts";

/** What several events have in common, put into text once. */
export interface Common<T extends KeyRecord> {
  readonly members: T;
  /** The members as JSON, without the braces. */
  readonly text: string;
}

/** Freezes the members, so that the text stays true. */
export function inCommon<T extends KeyRecord>(members: T): Common<T> {
  return { members: deepFreeze(members), text: membersText(members) };
}

/** A fact that shares its record with others. */
type SharingFact =
  | Sharing<"key.minted" | "key.closed", KeyRecord>
  | Sharing<"request.allowed" | "request.completed", RequestRecord>;

type Sharing<Type extends AuditFact["type"], Record extends KeyRecord> = {
  readonly [T in Type]: {
    readonly type: T;
    readonly common: Common<Record>;
    /** What only this event says. */
    readonly own: Omit<Extract<AuditFact, { readonly type: T }>, "type" | keyof Record>;
  };
}[Type];

/** What a chain takes: a fact as it is, or in two parts. Its members stand in the same order. */
export type Recordable = AuditFact | SharingFact;

/** The fact as one object. */
export function wholeFact(fact: Recordable): AuditFact {
  if (!("common" in fact)) return fact;
  return { type: fact.type, ...fact.common.members, ...fact.own } as AuditFact;
}

/** Its members as JSON, without the braces. */
export function factText(fact: Recordable): string {
  if (!("common" in fact)) return membersText(fact);
  const own = membersText(fact.own);
  return `"type":"${fact.type}",${fact.common.text}${own === "" ? "" : `,${own}`}`;
}

function membersText(members: object): string {
  return JSON.stringify(members).slice(1, -1);
}
