// What every page has around its content, the headers it is sent with, and the page for whoever has no token yet. Pure.
import type { Page } from "../pages.ts";
import { type Html, html } from "./html.ts";

/** Nothing but files of this port, no inline script or style, in no frame; a form is never sent, so that no token gets into a URL. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** `seq`: the change that the content is as new as. */
export type Content = { title: string; seq: number; body: Html };

export const htmlPage = (status: number, content: Content): Page => ({
  status,
  type: "text/html; charset=utf-8",
  body: layout(content),
  headers: HEADERS,
});

export const asset = (type: string, body: string): Page => ({
  status: 200,
  type: `${type}; charset=utf-8`,
  body,
  headers: HEADERS,
});

const layout = ({ title, seq, body }: Content): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header><a href="./">outflow</a> <span id="link" hidden></span> <button id="forget" type="button" hidden>Forget the token</button></header>
<p id="news" class="unseen" role="status"></p>
<main id="content" tabindex="-1" data-seq="${seq}">
${body}
</main>
</body>
</html>
`.text;

/** The status is the API's: 401. The form is for the script alone: without it, nothing can be sent. */
export const tokenPage = (): Page => ({
  ...htmlPage(401, {
    title: "outflow: token",
    seq: 0,
    body: html`<h1>A token is required</h1>
<form id="token" hidden>
<p><label for="value">Content of the file of <code>--admin-token-file</code></label></p>
<p><input id="value" type="password" autocomplete="off" autocapitalize="off" spellcheck="false" required> <button>Show the status</button></p>
<p id="refused" role="alert"></p>
<p>This tab keeps it until it is closed, and sends it to this address only.</p>
</form>
<noscript>
<p>Without JavaScript this page cannot send a token. On a host that has the file:</p>
<pre>outflow status --url URL --token-file FILE</pre>
</noscript>`,
  }),
  challenge: true,
});
