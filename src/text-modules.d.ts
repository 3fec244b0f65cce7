// Files that are part of the program as text (import … with { type: "text" }).
declare module "*.yaml" {
  const text: string;
  export default text;
}
declare module "*.txt" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.browser.js" {
  const text: string;
  export default text;
}
declare module "snappyjs" {
  export function uncompress(compressed: Uint8Array): Uint8Array;
  export function compress(raw: Uint8Array): Uint8Array;
  const snappy: { uncompress: typeof uncompress; compress: typeof compress };
  export default snappy;
}
