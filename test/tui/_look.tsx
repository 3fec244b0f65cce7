import * as f from "/work/main/test/tui/frames.tsx";
const [what, c, r, ...rest] = process.argv.slice(2);
const ui = rest[0] ? JSON.parse(rest[0]) : {};
const s: any = (f as any)[what!] ? (what === "crowd" ? f.crowd(200) : (f as any)[what!]()) : f.phases()[what!];
console.log(f.readable(f.frame(s, Number(c), Number(r), ui)));
