/** Compiles only when both types are the same: assignable to each other, and `any` only to `any`. */
export function is<A, B>(..._same: Same<A, B> extends true ? [] : [never]): void {}

type Same<A, B> = [IsAny<A>, A, B] extends [IsAny<B>, B, A] ? true : false;
type IsAny<T> = 0 extends 1 & T ? true : false;
