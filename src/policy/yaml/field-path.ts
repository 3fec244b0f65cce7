// A path in a document as people write it: spec.sinks[0].target. Pure.
import type { Path } from "./places.ts";

/** spec.sinks[0].target */
export function fieldPath(path: Path): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number"
        ? `${text}[${key}]`
        : /^[\w-]+$/.test(key)
          ? text === ""
            ? key
            : `${text}.${key}`
          : `${text}["${key}"]`,
    "",
  );
}
