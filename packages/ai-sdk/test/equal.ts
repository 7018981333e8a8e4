/** Whether two types are the same: each assignable to the other, and `any` only to `any`. */
export type Equal<A, B> = [A, IsAny<A>] extends [B, IsAny<B>]
  ? [B, IsAny<B>] extends [A, IsAny<A>]
    ? true
    : false
  : false;

type IsAny<T> = 0 extends 1 & T ? true : false;
