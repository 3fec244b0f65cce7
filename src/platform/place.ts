// A place in a text as people write it.

/** `file:line:column`; the name alone where it has no lines (line 0: an object of the API server). */
export const placeText = ({ file, line, column }: { file: string; line: number; column: number }): string =>
  line === 0 ? file : `${file}:${line}:${column}`;
