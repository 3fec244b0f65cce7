// An object of the API server through the same door as a document of a file: its name stands for the file, and it has no lines.

import type { Place } from "../policy/policy.ts";
import type { PlacedDocument } from "../policy/yaml/document.ts";

/** `name`: namespace/name. A place inside a text (a query) is a line and column of that text. */
export function objectDocument(name: string, value: object): PlacedDocument {
  const whole: Place = { file: name, line: 0, column: 0 };
  return {
    value,
    base: [],
    lines: [0, 0],
    place: () => whole,
    keyPlace: () => whole,
    placeIn: () => whole,
    line: () => "",
  };
}
