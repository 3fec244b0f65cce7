// What Go's regexes take since 1.25 and re2js does not: long and loosely spelt names of Unicode categories, and groups of one
// name. In: a regex. Out: one that says the same with the names that both take. It is only used to see whether it compiles.

/** Long name, without `_` and in lower case, to short name. */
const CATEGORIES: Record<string, string> = Object.fromEntries(
  `c:other cc:control cc:cntrl cf:format cn:unassigned co:privateuse cs:surrogate l:letter lc:casedletter ll:lowercaseletter
  lm:modifierletter lo:otherletter lt:titlecaseletter lu:uppercaseletter m:mark m:combiningmark mc:spacingmark me:enclosingmark
  mn:nonspacingmark n:number nd:decimalnumber nd:digit nl:letternumber no:othernumber p:punctuation p:punct
  pc:connectorpunctuation pd:dashpunctuation pe:closepunctuation pf:finalpunctuation pi:initialpunctuation po:otherpunctuation
  ps:openpunctuation s:symbol sc:currencysymbol sk:modifiersymbol sm:mathsymbol so:othersymbol z:separator zl:lineseparator
  zp:paragraphseparator zs:spaceseparator any:ascii`
    .split(/\s+/)
    .map((pair) => pair.split(":").reverse()),
);

const capital = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);

function category(name: string): string {
  const plain = name.replaceAll(/[ _-]/g, "").toLowerCase();
  if (plain === "lc") return "LC";
  return capital(CATEGORIES[plain] ?? plain);
}

export function likeOlder(regex: string): string {
  let groups = 0;
  return regex
    .replaceAll(/\\([pP])\{(\^?)([A-Za-z _-]+)\}/g, (_, p, not, name) => `\\${p}{${not}${category(name)}}`)
    .replaceAll(/\\([pP])([a-z])/g, (_, p, name) => `\\${p}${name.toUpperCase()}`)
    .replaceAll(/\(\?P?<[A-Za-z_0-9]+>/g, () => `(?P<g${groups++}>`);
}
