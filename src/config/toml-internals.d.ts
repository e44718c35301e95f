/** The two halves of the npm package `toml`, which it does not document; what they give is held by a test. */

declare module 'toml/lib/parser.js' {
  namespace parser {
    type Value =
      | { readonly type: 'String'; readonly value: string; readonly offset: number }
      | { readonly type: 'Integer'; readonly value: bigint; readonly offset: number }
      | { readonly type: 'Float'; readonly value: number; readonly offset: number }
      | { readonly type: 'Boolean'; readonly value: boolean; readonly offset: number }
      | { readonly type: 'Date'; readonly raw: string; readonly tz: string; readonly offset: number }
      | { readonly type: LocalTime; readonly value: string; readonly offset: number }
      | { readonly type: 'Array'; readonly value: readonly Value[]; readonly offset: number }
      | { readonly type: 'InlineTable'; readonly value: readonly Pair[]; readonly offset: number };
    type LocalTime = 'LocalDateTime' | 'LocalDate' | 'LocalTime';
    /** `offset` is that of the key, a dotted one's beginning. */
    type Pair = {
      readonly type: 'Assign' | 'InlineTableValue';
      readonly key: readonly string[];
      readonly value: Value;
      readonly offset: number;
    };
    type Header = {
      readonly type: 'ObjectPath' | 'ArrayPath';
      readonly value: readonly string[];
      readonly offset: number;
    };
    type Node = Pair | Header;
  }
  const parser: { parse(text: string): readonly parser.Node[] };
  export = parser;
}

declare module 'toml/lib/compiler.js' {
  const compiler: { compile(nodes: unknown, text: string, options: { bigint: boolean }): unknown };
  export = compiler;
}
