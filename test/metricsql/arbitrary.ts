// Random queries, for the property tests and the fuzz bench: of the grammar, mutated ones, and mere noise.
import fc from "fast-check";

const name = fc.constantFrom(
  "foo",
  "bar",
  "up",
  "a:b",
  "\\3x",
  "sum",
  "on",
  "fill",
  "with",
  "m",
  "t",
  "p",
  "ru",
  "é",
  "x\\-y",
);
const label = fc.constantFrom("a", "job", "p", "t", '"x y"', "or", "\\*", "__name__", "le");
const string = fc.constantFrom(
  '"a"',
  "'b'",
  "`c\\d`",
  '"\\xff"',
  '"\\xc3" + "\\xa9"',
  "s",
  '"x" + s',
  '""',
  '"é\\n"',
  '"a.*|b"',
  '"("',
);
const number = fc.constantFrom(
  "0",
  "1",
  "2.5",
  "-1",
  "1e3",
  "1Ki",
  "0x10",
  "017",
  "Inf",
  "NaN",
  "1M",
  ".5",
  "1_0",
  "1e-7",
  "-0",
  "0.1",
);
const duration = fc.constantFrom("5m", "1h30m", "1h-5m", "1i", "5", "1.5", "$__interval", "t", "p", "100ms");
const operator = fc.constantFrom(
  ..."+ - * / % ^ == != > < >= <= and or unless if ifnot default atan2 ==bool".split(" "),
  "+ on(a)",
  "* ignoring() group_left(b)",
  "/ on(a) group_right(*) prefix 'p'",
  "+ fill(0)",
  "- fill_left(1) fill_right(-2)",
);
const func = fc.constantFrom(
  "rate",
  "abs",
  "Round",
  "max_over_time",
  "label_set",
  "h",
  "k",
  "ru",
  "alias",
  "su\\m",
  "quantile_over_time",
);
const aggregate = fc.constantFrom("sum", "topk", "SUM", "count_values", "g");

const joined = (arb: fc.Arbitrary<string>, max: number, separator = ", ", min = 0) =>
  fc.array(arb, { minLength: min, maxLength: max }).map((items) => items.join(separator));
const text = (...parts: (string | fc.Arbitrary<string>)[]) =>
  fc.tuple(...parts.map((p) => (typeof p === "string" ? fc.constant(p) : p))).map((all) => all.join(""));
const maybe = (arb: fc.Arbitrary<string>) => fc.oneof({ weight: 3, arbitrary: fc.constant("") }, arb);

const filter = fc.oneof(
  text(label, fc.constantFrom("=", "!=", "=~", "!~"), string),
  fc.constantFrom('a="x"', 'b=~"y.*"', "f", '"m"', '"m n"', '__name__="foo"'),
);
const groups = joined(joined(filter, 3, ",", 1), 2, " or ", 1);
const selector = fc.oneof(
  name,
  text(name, "{", groups, "}"),
  text("{", groups, "}"),
  text(name, "{}"),
  fc.constant("{}"),
);
const labels = text("(", joined(label, 2), ")");
const bracket = fc.oneof(
  text("[", duration, "]"),
  text("[", duration, ":", duration, "]"),
  fc.constantFrom("[5m:]", "[:]", "[5m]"),
);

/** Of the grammar; about half are valid, the others name what is not there. */
export const grammatical: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => {
  const e = tie("e");
  const leaf = fc.oneof(selector, selector, number, string, duration);
  const definition = fc.oneof(
    text("t = ", fc.constantFrom("5m", "30", "(a,b)", "a")),
    text("s = ", string),
    text("f = {", joined(filter, 2, ","), "}"),
    text(fc.constantFrom("m", "foo", "g", "p"), " = ", e),
    text(fc.constantFrom("h(p)", "k(p, t)", "h()"), " = ", e),
  );
  const at = fc.oneof(number, text("(", e, ")"));
  return {
    e: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      leaf,
      text(e, " ", operator, " ", e, maybe(fc.constant(" keep_metric_names"))),
      text("(", e, ")"),
      text("-", e),
      text("(", joined(e, 2), ")"),
      text(func, "(", joined(e, 2), ")", maybe(fc.constant(" keep_metric_names"))),
      text(aggregate, "(", joined(e, 2, ", ", 1), ")", maybe(text(" by ", labels)), maybe(fc.constant(" limit 3"))),
      text(selector, bracket, maybe(text(" offset ", fc.constantFrom("", "-"), duration)), maybe(text(" @ ", at))),
      text("(", e, ")", maybe(bracket), maybe(text(" offset ", duration)), maybe(text(" @ ", at))),
      text("WITH (", joined(definition, 3), ") ", e),
    ),
  };
}).e;

const pieces = fc.constantFrom(
  ..."foo sum rate by without offset limit with or and unless if default bool on ignoring group_left fill keep_metric_names".split(
    " ",
  ),
  ..."( ) { } [ ] , @ : + - * / ^ == != =~ !~ = > \" ' ` \\ # $ 5m 1h-5m 5m-s 1M 0x 08 1_ .5 5. $__interval :1m “ ” é \u00a0".split(
    " ",
  ),
  ...[
    '"a"',
    "'\\''",
    "`b`",
    '"\\q"',
    "{a=~'('}",
    "\\x41",
    "\\u",
    "#c\n",
    " ",
    "\n",
    "\u0000",
    "\ud800",
    "😀",
    "[5m]",
    "[:]",
    "@ 5",
    "NaN",
  ],
);

/** Mere tokens and characters. */
export const noise = fc.oneof(
  joined(pieces, 12, " "),
  joined(pieces, 12, ""),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** A query of the grammar with something put in, left out, or written over. */
export const mutated = fc
  .tuple(grammatical, fc.array(fc.tuple(fc.nat(), fc.nat(6), pieces), { minLength: 1, maxLength: 3 }))
  .map(([query, edits]) =>
    edits.reduce((q, [at, cut, piece]) => {
      const i = at % (q.length + 1);
      return q.slice(0, i) + (cut % 2 === 0 ? piece : "") + q.slice(i + cut);
    }, query),
  );

export const anything = fc.oneof(grammatical, mutated, mutated, noise);
