// Labels as remote write 1.0 wants them (remote-write rule 6 and 7): sorted bytewise, no empty value, no name twice, legal names.

export type Label = readonly [name: string, value: string];

/** Why a series cannot be exported. */
export type LabelTrouble = "invalid_name" | "invalid_labels";

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** `.` and other illegal characters become `_`, as Prometheus' own underscore escaping has it. */
export function legalName(name: string, metric: boolean): string {
  if ((metric ? METRIC_NAME : LABEL_NAME).test(name)) return name;
  const legal = name.replace(metric ? /[^a-zA-Z0-9_:]/gu : /[^a-zA-Z0-9_]/gu, "_");
  return /^[0-9]/.test(legal) || legal === "" ? `_${legal}` : legal;
}

/**
 * `fallbackName`: the metric name of a series that has none (expressions, as a recording rule names its result); without it
 * such a series is `invalid_name`. Two labels that become equal are `invalid_labels`. `external` labels are added where the
 * series does not have them.
 */
export function exportable(
  labels: readonly Label[],
  fallbackName: string | undefined,
  external: readonly Label[] = [],
): Label[] | LabelTrouble {
  const out: Label[] = [];
  let named = false;
  for (const [name, value] of labels) {
    if (value === "") continue;
    if (name === "__name__") {
      named = true;
      out.push([name, legalName(value, true)]);
    } else out.push([legalName(name, false), value]);
  }
  if (!named) {
    if (fallbackName === undefined) return "invalid_name";
    out.push(["__name__", legalName(fallbackName, true)]);
  }
  for (const label of external) if (!out.some(([name]) => name === label[0])) out.push(label);
  // Legal names are ASCII: comparing UTF-16 units is comparing bytes.
  out.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  for (let i = 1; i < out.length; i++) if (out[i]![0] === out[i - 1]![0]) return "invalid_labels";
  return out;
}
