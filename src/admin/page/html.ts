// Text as HTML. Everything that reaches a page goes through `html`: what is filled in is escaped unless it is HTML already. Pure.

/** Text that is markup already. Made by `html` and `joined` alone. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const SPECIAL = /[&<>"']/g;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** For the content of an element and for a quoted attribute. */
export const escaped = (text: string): string => text.replace(SPECIAL, (c) => ENTITIES[c] ?? c);

type Filled = Html | string | number | readonly Html[];

/** A template whose values are escaped: html`<li>${text}`. */
export function html(pieces: TemplateStringsArray, ...values: readonly Filled[]): Html {
  let text = pieces[0] ?? "";
  values.forEach((value, i) => {
    text += markup(value) + (pieces[i + 1] ?? "");
  });
  return new Html(text);
}

function markup(value: Filled): string {
  if (typeof value === "string") return escaped(value);
  if (typeof value === "number") return String(value);
  return value instanceof Html ? value.text : value.map((piece) => piece.text).join("");
}

/** Where a long name may break: after each `/`, and where a word in CamelCase begins. */
export const breakable = (text: string): Html =>
  new Html(escaped(text).replace(/\/(?=.)|[a-z](?=[A-Z])/g, (c) => `${c}<wbr>`));
