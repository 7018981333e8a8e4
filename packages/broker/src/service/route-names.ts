/** The names of a route's parameters, read from its text by the compiler. */
export type RouteNames<R> = R extends string
  ? TextNames<R>
  : R extends { readonly route: infer Text extends string }
    ? TextNames<Text> | MemberNames<R>
    : never;

type MemberNames<R> = {
  [K in keyof R]-?: K extends "query" | "headers" | "json" | "form"
    ? Extract<keyof R[K], string>
    : never;
}[keyof R];

type TextNames<Text extends string> = Text extends `${string} ${infer Target}`
  ? Target extends `${infer Path}?${infer Query}`
    ? PathNames<Path> | QueryNames<Query>
    : PathNames<Target>
  : never;

type PathNames<Path extends string> = Path extends `${infer Head}/${infer Rest}`
  ? SegmentName<Head> | PathNames<Rest>
  : SegmentName<Path>;

type SegmentName<Text extends string> = Text extends `:${infer Name}{${string}}`
  ? Name
  : Text extends `:${infer Name}*`
    ? Name
    : Text extends `:${infer Name}`
      ? Name
      : never;

type QueryNames<Query extends string> = Query extends `${infer Head}&${infer Rest}`
  ? Untyped<Head> | QueryNames<Rest>
  : Untyped<Query>;

type Untyped<Text extends string> = Text extends `${infer Name}{${string}}` ? Name : Text;
