/** JSON pointers (RFC 6901): `/servers/0/state` names one value in a JSON document, and the empty text the whole of it. */

/** What stands between the slashes, unescaped (RFC 6901, 3 and 4); `undefined` when the text is no pointer. */
export function parsePointer(text: string): readonly string[] | undefined {
  if (text === '') return [];
  if (!/^\/(?:[^~]|~[01])*$/.test(text)) return undefined;
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value that a pointer names in a document, or `undefined` where it names none. */
export function valueAt(document: unknown, pointer: readonly string[]): unknown {
  let value = document;
  for (const part of pointer) {
    if (typeof value !== 'object' || value === null) return undefined;
    // An array's length is no part of the document.
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(part)) return undefined;
    if (!Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}
