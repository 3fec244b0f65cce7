/** A URL as status and log may show it: without user info, values of its query hidden. */
export function safeUrl(text: string): string {
  const url = new URL(text);
  url.username = "";
  url.password = "";
  for (const key of url.searchParams.keys()) url.searchParams.set(key, "…");
  return url.href;
}
