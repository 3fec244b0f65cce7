// The message for a wrong command line, in the one style of outflow: `WHERE: what is wrong; what to write`. It repeats
// no value: a flag may hold a credential, and where a value helps, the setting's own parser quotes it. Pure.

const STYLES: readonly (readonly [RegExp, (...groups: string[]) => string])[] = [
  [
    /^option '.*' value '([\s\S]*)' from env '(\w+)' is invalid\. ([\s\S]*)$/,
    (value, variable, why) => `${variable}: ${withChoices(why, value)}`,
  ],
  [
    /^option '(?:-\w, )?(-[\w-]+).*' argument '([\s\S]*)' is invalid\. ([\s\S]*)$/,
    (flag, value, why) => `${flag}: ${withChoices(why, value)}`,
  ],
  [
    /^command-argument value '([\s\S]*)' is invalid for argument '([\w-]+)'\. ([\s\S]*)$/,
    (value, name, why) => `${name}: ${withChoices(why, value)}`,
  ],
  [/^missing required argument '([\w-]+)'([\s\S]*)$/, (name, more) => `${name} is missing${more}`],
  [/^option '(?:-\w, )?(-[\w-]+).*' argument missing$/, (flag) => `${flag}: needs a value`],
  [/^required option '(?:-\w, )?(-[\w-]+).*' not specified$/, (flag) => `${flag} is missing`],
  [
    /^unknown option '(.*?)'(?:\s*\(Did you mean (?:one of )?(.*)\?\))?$/s,
    (flag, near) => `unknown flag ${flag}${meant(near)}`,
  ],
  [
    /^unknown command '(.*?)'(?:\s*\(Did you mean (?:one of )?(.*)\?\))?$/s,
    (name, near) => `unknown command ${name}${meant(near)}`,
  ],
  [
    /^option '(?:-\w, )?(-[\w-]+).*' cannot be used with option '(?:-\w, )?(-[\w-]+).*'$/,
    (flag, other) => `${flag} and ${other}: use one of them`,
  ],
  [/^too many arguments.*: (.*)\.$/s, (extra) => `too many arguments: ${extra}`],
];

/** Of commander's own check; what may be a credential is never one of some choices. */
const withChoices = (why: string, value: string): string =>
  why.replace(
    /^Allowed choices are (.*)\.$/,
    (_, choices) => `"${value}" is not a valid choice; write one of ${choices}`,
  );

const meant = (near: string | undefined): string =>
  near === undefined || near === "" ? "" : ` (did you mean ${near}?)`;

/** `text`: as commander writes it, with or without `error: `. One line, without its end. */
export function argumentError(text: string): string {
  const plain = text.replace(/^error: /, "").replace(/\n+$/, "");
  for (const [pattern, write] of STYLES) {
    const match = pattern.exec(plain);
    if (match !== null) return ended(write(...match.slice(1).map((group) => group ?? "")));
  }
  return ended(plain);
}

const ended = (text: string): string => (/[.?)!]$/.test(text) ? text : `${text}.`);
