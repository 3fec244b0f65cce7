// The table of documents: a sentence each, and the text of the file. Most are the valid one with one place changed.
import { Buffer } from "node:buffer";

export const VALID = `apiVersion: telemetry.miloapis.com/v1alpha1
kind: ExportPolicy
metadata:
  name: edge
spec:
  sources:
    - name: gateway
      metrics:
        metricsql: '{job="gateway"}'
  sinks:
    - name: cloud
      sources: [gateway]
      target:
        prometheusRemoteWrite:
          endpoint: https://cloud.example.com/api/v1/push
          retry: { maxAttempts: 10, backoffDuration: 10s }
`;
const AUTH = "          authentication: { basicAuth: { secretRef: { name: credentials } } }\n";
const WITH_AUTH = VALID + AUTH;
export const SECRET = `---
apiVersion: v1
kind: Secret
metadata: { name: credentials }
type: kubernetes.io/basic-auth
stringData: { username: somebody, password: hunter2 }
`;

function edit(from: string, to: string, text = VALID): string {
  if (!text.includes(from)) throw new Error(`nothing to change: ${from}`);
  return text.replace(from, to);
}
const without = (line: string, text = VALID): string => edit(`${line}\n`, "", text);
const query = (text: string): string => edit(`'{job="gateway"}'`, text);
const endpoint = (url: string): string => edit("https://cloud.example.com/api/v1/push", url);
const write = (line: string): string => `${VALID}          ${line}\n`;
const retry = (text: string): string => edit("{ maxAttempts: 10, backoffDuration: 10s }", text);
const annotate = (line: string): string => edit("  name: edge\n", `  name: edge\n  annotations:\n    ${line}\n`);
const indented = (text: string, by: string): string => text.replace(/^(?=.)/gm, by);
const listed = (kind: string, apiVersion: string, ...items: string[]): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nitems:\n${items.map((item) => `  - ${indented(item, "    ").slice(4)}`).join("")}`;
const secretWith = (line: string): string =>
  WITH_AUTH + edit("stringData: { username: somebody, password: hunter2 }", line, SECRET);
const repeat = (n: number, each: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => each(i)).join("");
const DUO = edit(
  "      sources: [gateway]",
  "      sources: [gateway, other]",
  edit("  sinks:", "    - name: other\n      metrics: { metricsql: OTHER }\n  sinks:"),
);

export type Case = [sentence: string, text: string | Uint8Array];

export const documents: Record<string, Case[]> = {
  yaml: [
    ["nothing at all", ""],
    ["only a comment", "# later\n"],
    ["empty documents between", `---\n---\n${VALID}---\n`],
    ["the valid one", VALID],
    ["a byte order mark", `\ufeff${VALID}`],
    ["CRLF", VALID.replaceAll("\n", "\r\n")],
    ["CRLF, and a problem in the last line", edit("10s", "10x").replaceAll("\n", "\r\n")],
    ["a byte order mark, and a problem in the first line", `\ufeff${edit("v1alpha1", "v1")}`],
    [
      "JSON",
      JSON.stringify(
        { apiVersion: "telemetry.miloapis.com/v1alpha1", kind: "ExportPolicy", metadata: { name: "p" }, spec: {} },
        null,
        2,
      ),
    ],
    ["JSON with tabs", `{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap"\n}`],
    ["not UTF-8", Buffer.from([0x61, 0x3a, 0xff, 0xfe])],
    ["UTF-16", Buffer.from(VALID, "utf16le")],
    ["larger than the limit", `${VALID}#${"x".repeat(70_000)}`],
    ["a tab as indentation", edit("  name: edge", "\tname: edge")],
    ["a key twice", edit("  name: edge", "  name: edge\n  name: other")],
    ["a key twice in a flow mapping", retry("{ maxAttempts: 10, maxAttempts: 9, backoffDuration: 10s }")],
    ["a quote that does not end", query(`'{job="gateway"}`)],
    ["a bracket that does not end", edit("[gateway]", "[gateway")],
    ["indented wrongly", edit("      sources: [gateway]", "     sources: [gateway]")],
    ["a sequence where a mapping continues", edit("  sinks:", "- sinks:")],
    ["text that is not valid YAML, with a password in it", "user: admin: password: hunter2 {{{ @"],
    ["an alias of nothing", edit("[gateway]", "*sources")],
    [
      "an alias, well used",
      edit("  sinks:", "    - *one\n  sinks:", edit("    - name: gateway\n", "    - &one\n      name: gateway\n")),
    ],
    ["an alias that holds itself", "a: &a [*a]\n"],
    [
      "aliases that expand without end",
      `a: &a [x, x, x, x, x, x, x, x, x]\n${repeat(
        8,
        (i) =>
          `b${i}: &b${i} [${"*"
            .concat(i === 0 ? "a" : `b${i - 1}`)
            .concat(", ")
            .repeat(9)}]\n`,
      )}`,
    ],
    ["brackets without end", "[".repeat(5_000)],
    ["dashes without end", "- ".repeat(5_000)],
    ["indentation without end", repeat(200, (i) => `${" ".repeat(i)}a:\n`)],
    ["more documents than anybody has", "---\na: 1\n".repeat(5_001)],
    ["a tag of one's own", edit("name: edge", "name: !secret edge")],
    ["a key that is a number", edit("  name: edge", "  name: edge\n  5: five")],
    [
      "a merge key",
      edit("{ maxAttempts: 10, backoffDuration: 10s }", "{ <<: { maxAttempts: 10 }, backoffDuration: 10s }"),
    ],
    [
      "a merge key of an anchor, with a problem in what it brings",
      edit("{ maxAttempts: 10, backoffDuration: 10s }", "{ <<: *base, maxAttempts: 10 }").replace(
        "metadata:\n",
        "metadata:\n  labels: &base { backoffDuration: 10x }\n",
      ),
    ],
    [
      "merge keys in a list, of which the first wins",
      edit(
        "{ maxAttempts: 10, backoffDuration: 10s }",
        "{ <<: [{ maxAttempts: 9 }, { maxAttempts: 0, backoffDuration: 10s }] }",
      ),
    ],
    ["a merge key that merges itself", "a: &a { <<: *a, b: c }\n"],
    ["a merge key of a text", retry("{ <<: text, maxAttempts: 10, backoffDuration: 10s }")],
    ["a number with a leading zero", write("batch: { maxSize: 0500, timeout: 5s }")],
    ["a leading zero in quotes", edit("name: edge", 'name: "0500"')],
    ["a byte order mark before a later document", `${VALID}---\n\ufeff${edit("name: edge", "name: other")}`],
    ["a byte order mark before the line between documents", `${VALID}\ufeff---\n${edit("name: edge", "name: Other")}`],
    ["a key twice in a Secret, which may be a password", `${SECRET}hunter2: a\nhunter2: b\n`],
    ["control characters in a name", edit("name: edge", String.raw`name: "ed\e[31mge"`)],
  ],
  kinds: [
    ["a text", "just a text\n"],
    ["a list at the top", "- apiVersion: v1\n"],
    ["no kind", without("kind: ExportPolicy")],
    ["no apiVersion", without("apiVersion: telemetry.miloapis.com/v1alpha1")],
    ["neither", "metadata: { name: x }\n"],
    ["a kind that is a number", edit("kind: ExportPolicy", "kind: 5")],
    ["kind in another case", edit("kind: ExportPolicy", "kind: exportPolicy")],
    ["kind in the plural", edit("kind: ExportPolicy", "kind: ExportPolicies")],
    ["a slip in kind", edit("kind: ExportPolicy", "kind: ExportPolcy")],
    ["another version", edit("v1alpha1", "v1beta1")],
    ["another group", edit("telemetry.miloapis.com", "telemetry.datumapis.com")],
    ["the group in another case", edit("telemetry.miloapis.com", "Telemetry.MiloAPIs.com")],
    ["group and kind both wrong", edit("kind: ExportPolicy", "kind: Exportpolicy", edit("v1alpha1", "v1"))],
    ["another kind of our group", edit("kind: ExportPolicy", "kind: ImportPolicy")],
    ["somebody else's document is skipped with a note", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n"],
    ["somebody else's telemetry", "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\n"],
    ["a Secret in another case", "apiVersion: v1\nkind: secret\nmetadata: { name: x }\n"],
    [
      "a Secret of another version",
      "apiVersion: v2\nkind: Secret\nmetadata: { name: x }\nstringData: { password: hunter2 }\n",
    ],
    ["two documents, the second wrong", `${VALID}---\n${edit("name: edge", "name: Edge")}`],
    ["the same policy twice", `${VALID}---\n${VALID}`],
    ["the same name in two namespaces", `${VALID}---\n${edit("  name: edge", "  name: edge\n  namespace: other")}`],
    ["an ExportPolicyList", listed("ExportPolicyList", "telemetry.miloapis.com/v1alpha1", VALID)],
    ["a List with a policy that has a problem", listed("List", "v1", VALID, edit("name: edge", "name: Edge"))],
    ["a List in a List", listed("List", "v1", listed("List", "v1", edit("gateway]", "gatewy]")))],
    ["a List without items", "apiVersion: v1\nkind: List\n"],
    ["an ExportPolicyList of another version", listed("ExportPolicyList", "v1", VALID)],
    ["a List whose item is not a document", "apiVersion: v1\nkind: List\nitems: [5, null]\n"],
  ],
  metadata: [
    ["no metadata", edit("metadata:\n  name: edge\n", "")],
    ["metadata empty", edit("metadata:\n  name: edge\n", "metadata:\n")],
    ["no name", edit("  name: edge", "  labels: {}")],
    ["a name with an underscore", edit("name: edge", "name: edge_1")],
    ["a name with dots", edit("name: edge", "name: edge.one")],
    ["a name that is a number", edit("name: edge", "name: 12")],
    ["a name that is yes", edit("name: edge", "name: yes")],
    ['a name that is "yes"', edit("name: edge", 'name: "yes"')],
    ["a name of 254 characters", edit("name: edge", `name: ${"a".repeat(254)}`)],
    ["a namespace", edit("  name: edge", "  name: edge\n  namespace: shop")],
    ["a namespace with a dot", edit("  name: edge", "  name: edge\n  namespace: a.b")],
    ["a slip in namespace", edit("  name: edge", "  name: edge\n  namspace: shop")],
    ["a generation", edit("  name: edge", "  name: edge\n  generation: 7")],
    ["a generation below zero", edit("  name: edge", "  name: edge\n  generation: -1")],
    ["a generation that is a text", edit("  name: edge", '  name: edge\n  generation: "7"')],
    [
      "what kubectl get writes",
      edit(
        "  name: edge",
        "  name: edge\n  uid: 6d1\n  resourceVersion: '1'\n  creationTimestamp: null\n  managedFields: []",
      ),
    ],
    ["labels that are not strings", edit("  name: edge", "  name: edge\n  labels: { on: 5, a: true }")],
    ["a status", `${VALID}status: { conditions: [], anything: 5 }\n`],
    ["an annotation that is known", annotate("outflow/settle: 7s")],
    ["an annotation that is a number", annotate("outflow/max-concurrency: 4")],
    ["an annotation with a slip", annotate("outflow/setle: 7s")],
    ["an annotation out of bounds", annotate("outflow/poll-interval: 10ms")],
    ["an annotation that protects the operator", annotate("outflow/enforce-filter: '{a=\"b\"}'")],
    ["somebody else's annotation", annotate("example.com/owner: me")],
  ],
  spec: [
    ["no spec", VALID.slice(0, VALID.indexOf("spec:"))],
    ["an unknown field at the top", `${VALID}specs: {}\n`],
    ["no sources", edit(/ {2}sources:[\s\S]*gateway"\}'\n/.exec(VALID)![0], "")],
    ["sources empty", edit(/ {2}sources:[\s\S]*gateway"\}'\n/.exec(VALID)![0], "  sources: []\n")],
    ["sources a mapping", edit(/ {2}sources:[\s\S]*gateway"\}'\n/.exec(VALID)![0], "  sources: { name: gateway }\n")],
    [
      "21 sources",
      edit("  sinks:", `${repeat(20, (i) => `    - { name: s${i}, metrics: { metricsql: m${i} } }\n`)}  sinks:`),
    ],
    ["no sinks", VALID.slice(0, VALID.indexOf("  sinks:"))],
    [
      "21 sinks",
      VALID +
        repeat(20, (i) =>
          indented(VALID.slice(VALID.indexOf("    - name: cloud")), "").replace("name: cloud", `name: cloud${i}`),
        ),
    ],
    ["a sink named twice", VALID + VALID.slice(VALID.indexOf("    - name: cloud"))],
    ["a source named twice", edit("  sinks:", "    - { name: gateway, metrics: { metricsql: up } }\n  sinks:")],
    ["a source name that is no DNS label", edit("- name: gateway", "- name: Gate.way")],
    ["a source name of 63 characters", VALID.replaceAll("gateway", "g".repeat(63))],
    ["a source name of 64 characters", VALID.replaceAll("gateway", "g".repeat(64))],
    ["a source name that begins with a dash", edit("- name: gateway", "- name: -gateway")],
    ["an empty sink name", edit("name: cloud", 'name: ""')],
    ["a source without a name", edit("    - name: gateway\n      metrics", "    - metrics")],
    ["a source without metrics", edit(/ {6}metrics:[\s\S]*?gateway"\}'\n/.exec(VALID)![0], "")],
    ["metrics without metricsql", edit(`        metricsql: '{job="gateway"}'\n`, "        {}\n")],
    ["metrics null", edit(`      metrics:\n        metricsql: '{job="gateway"}'\n`, "      metrics:\n")],
    ["a sink of a source that is not there", edit("[gateway]", "[gatewy]")],
    ["a sink of one source twice", edit("[gateway]", "[gateway, gateway]")],
    ["a sink of no source", edit("[gateway]", "[]")],
    ["a sink of 21 sources", edit("[gateway]", `[${repeat(21, (i) => `s${i}, `)}]`)],
    ["a sink's sources a text", edit("[gateway]", "gateway")],
    ["a sink's source a number", edit("[gateway]", "[5]")],
    ["no target", VALID.slice(0, VALID.indexOf("      target:"))],
    ["an empty target", `${VALID.slice(0, VALID.indexOf("      target:"))}      target: {}\n`],
    ["two targets", edit("      target:\n", "      target:\n        otlp: {}\n")],
    [
      "all that is wrong at once",
      `${edit("name: edge", "nme: edge", edit("[gateway]", "[x]", query("''")))}          bach: {}\n`,
    ],
  ],
  endpoint: [
    ["no endpoint", without("          endpoint: https://cloud.example.com/api/v1/push")],
    ["a slip in endpoint", edit("endpoint:", "endpont:")],
    ["an empty endpoint", endpoint('""')],
    ["a relative endpoint", endpoint("/api/v1/push")],
    ["a host without a scheme", endpoint("cloud.example.com:9090")],
    ["another scheme", endpoint("ftp://cloud.example.com")],
    ["no host", endpoint("http://")],
    ["no host but a path", endpoint("http:///api/v1/push")],
    ["no host but a port", endpoint("http://:9090/")],
    ["a port that is not valid", endpoint("http://cloud.example.com:99999/")],
    ["user info", endpoint("https://user:hunter2@cloud.example.com/")],
    ["user info, empty", endpoint("https://@cloud.example.com/")],
    ["a fragment", endpoint("https://cloud.example.com/#a")],
    ["white space", endpoint('"https://cloud.example.com/a b"')],
    ["a backslash", endpoint(String.raw`http:\\cloud.example.com`)],
    ["in capitals", endpoint("HTTPS://CLOUD.EXAMPLE.COM/push")],
    ["an IPv6 address", endpoint("http://[::1]:9090/api/v1/write")],
    ["a number", endpoint("5")],
    ["a credential in the query", endpoint("https://cloud.example.com/push?api_key=hunter2&b=c")],
    ["a placeholder that nobody replaced", endpoint("https://${HOST}/api/v1/push")],
    ["a placeholder of a template", endpoint('"https://{{.Values.host}}/api/v1/push"')],
    ["a path that VictoriaMetrics takes for InfluxDB's", endpoint("https://vm.example.com/write")],
    [
      "a path that VictoriaMetrics takes for an import",
      endpoint("https://vm.example.com/insert/0/prometheus/api/v1/import/prometheus"),
    ],
    ["the page of metrics", endpoint("https://vm.example.com:8428/metrics/")],
    ["the path of a tenant", endpoint("https://vm.example.com/insert/0:0/prometheus/api/v1/write")],
    ["an empty authentication", write("authentication: {}")],
    ["authentication null", write("authentication:")],
    ["authentication with another method", write("authentication: { bearer: { token: hunter2 } }")],
    ["basicAuth without a secretRef", write("authentication: { basicAuth: {} }")],
    ["a secretRef without a name", write("authentication: { basicAuth: { secretRef: {} } }")],
    ["a secretRef with a namespace", write("authentication: { basicAuth: { secretRef: { name: a, namespace: b } } }")],
    ["a secretRef out of the folder", write("authentication: { basicAuth: { secretRef: { name: ../../etc } } }")],
  ],
  "batch and retry": [
    ["batch null", write("batch:")],
    ["batch in full", write("batch: { maxSize: 5000, timeout: 24h }")],
    ["batch empty", write("batch: {}")],
    ["batch in part", write("batch: { maxSize: 100 }")],
    ["batch a number", write("batch: 500")],
    ["a slip in batch", write("batch: { maxsize: 100, timeout: 5s }")],
    ["maxSize 0", write("batch: { maxSize: 0, timeout: 5s }")],
    ["maxSize 5001", write("batch: { maxSize: 5001, timeout: 5s }")],
    ["maxSize 1.5", write("batch: { maxSize: 1.5, timeout: 5s }")],
    ["maxSize a text", write('batch: { maxSize: "500", timeout: 5s }')],
    ["maxSize infinite", write("batch: { maxSize: .inf, timeout: 5s }")],
    ["a timeout of zero", write("batch: { maxSize: 1, timeout: 0s }")],
    ["a timeout below zero", write("batch: { maxSize: 1, timeout: -5s }")],
    ["a timeout of more than a day", write("batch: { maxSize: 1, timeout: 24h1ms }")],
    ["a timeout without a unit", write('batch: { maxSize: 1, timeout: "5" }')],
    ["a timeout that is a number", write("batch: { maxSize: 1, timeout: 5 }")],
    ["timeouts in all units", write("batch: { maxSize: 1, timeout: 1h2m3s4ms5us6ns }")],
    [
      "half a second, in three ways",
      `${write("batch: { maxSize: 1, timeout: 500ms }")}---\n${edit("name: edge", "name: b", write("batch: { maxSize: 1, timeout: 0.5s }"))}---\n${edit("name: edge", "name: c", write("batch: { maxSize: 1, timeout: 500000us }"))}`,
    ],
    ["retry null", retry("null")],
    ["retry in part", retry("{ backoffDuration: 5s }")],
    ["maxAttempts 0", retry("{ maxAttempts: 0, backoffDuration: 5m }")],
    ["maxAttempts 11", retry("{ maxAttempts: 11, backoffDuration: 5m }")],
    ["one attempt", retry("{ maxAttempts: 1, backoffDuration: 5m }")],
    ["three attempts, five seconds", retry("{ maxAttempts: 3, backoffDuration: 5s }")],
    ["three attempts in milliseconds", retry("{ maxAttempts: 3, backoffDuration: 20ms }")],
    [
      "three attempts, five seconds, but held",
      annotate("outflow/on-exhausted: hold").replace(
        "{ maxAttempts: 10, backoffDuration: 10s }",
        "{ maxAttempts: 3, backoffDuration: 5s }",
      ),
    ],
    ["a minute's budget", retry("{ maxAttempts: 3, backoffDuration: 20s }")],
  ],
  queries: [
    ["an expression", query(`'sum(rate(requests[5m])) by (job)'`)],
    ["an empty query", query(`''`)],
    ["a query of white space", query(`"  "`)],
    ["a query that is a number", query("5")],
    ["a query that ends too early", query(`'{job="gateway"'`)],
    [
      "a problem in the third line of a block",
      query(`|\n          sum(\n            rate(requests[5m])\n          ) by job`),
    ],
    ["a problem in a folded text", query(`>-\n          sum(requests)\n          by job`)],
    ["a problem behind escapes", query(String.raw`"{a=\"b\", c=d}"`)],
    ["a problem behind doubled quotes", query(`'{a=''b'', c=d}'`)],
    ["typographic quotes", query("'{service_name=“networking.miloapis.com”, resource_kind=\"Gateway\"}'")],
    ["an unknown function", query("rat(up[5m])")],
    ["a regex that is not valid", query(`'{job=~"("}'`)],
    ["a window of its own", query("up[5m]")],
    ["an offset of its own", query("up offset 5m")],
    ["a time of its own", query("up @ 1700000000")],
    ["a window and an offset in a block", query("|\n          up[5m]\n          offset 1h")],
    ["a window inside a function is well", query("last_over_time(up[5m])")],
    ["a text in place of a query", query(`'"text"'`)],
    ["a number forever", query("'1 + 1'")],
    ["everything", query("'{}'")],
    ["too few arguments", query("label_set()")],
    ["an implicit conversion", query("rate(sum(x))")],
    ["a template", query("'WITH (x = {job=\"gateway\"}) up{x}'")],
    ["a comment at the end", query("'up # all of it'")],
    ["two sources with the same query", edit("OTHER", `'{job="gateway"}'`, DUO)],
    ["two sources of which one is wider", edit("OTHER", `'{job="gateway", code="500"}'`, DUO)],
    ["two sources that are apart", edit("OTHER", `'{job="other"}'`, DUO)],
    ["two problems in two queries", edit("OTHER", "'up['", DUO).replace(`'{job="gateway"}'`, "up{")],
  ],
  secrets: [
    ["a Secret that is there", WITH_AUTH + SECRET],
    ["a Secret that is not there", WITH_AUTH],
    [
      "a Secret in another namespace",
      WITH_AUTH + edit("name: credentials", "name: credentials, namespace: other", SECRET),
    ],
    ["a Secret of another type", WITH_AUTH + edit("kubernetes.io/basic-auth", "Opaque", SECRET)],
    ["a Secret without a type", WITH_AUTH + edit("type: kubernetes.io/basic-auth\n", "", SECRET)],
    ["a Secret without a password", secretWith("stringData: { username: somebody }")],
    ["a Secret with an empty user name", secretWith('stringData: { username: "", password: hunter2 }')],
    ["a Secret in base64", secretWith("data: { username: c29tZWJvZHk=, password: aHVudGVyMg== }")],
    ["a Secret that is not base64", secretWith("data: { username: somebody!, password: hunter2 }")],
    ["a Secret of bytes that are not text", secretWith("data: { username: c29tZWJvZHk=, password: //79 }")],
    [
      "stringData wins",
      secretWith("data: { username: '!', password: '!' }\nstringData: { username: somebody, password: hunter2 }"),
    ],
    ["a user name with a colon", secretWith('stringData: { username: "some:body", password: hunter2 }')],
    ["data that is a text", secretWith("data: hunter2")],
    ["values that are not strings", secretWith("stringData: { username: 5, password: yes }")],
    ["a slip in stringData", secretWith("stringdata: { username: somebody, password: hunter2 }")],
    ["a key of the Secret that is a password", secretWith("stringData:\n  username: somebody\nhunter2: password")],
    ["a Secret of echo and base64", secretWith("data: { username: c29tZWJvZHkK, password: aHVudGVyMgo= }")],
    ["a Secret with a line break inside", secretWith('stringData: { username: somebody, password: "hun\\nter2" }')],
    ["a Secret with white space around", secretWith('stringData: { username: somebody, password: " hunter2" }')],
    ["a Secret alone", SECRET],
    ["a Secret alone, with a problem", edit(", password: hunter2", "", SECRET)],
    ["a Secret twice", WITH_AUTH + SECRET + SECRET],
    [
      "a Secret and a policy in one line of JSON",
      `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"credentials"},"stringData":{"password":"hunter2"}},{"apiVersion":"telemetry.miloapis.com/v1alpha1","kind":"ExportPolicy"}]}`,
    ],
    ["a password over plain http", edit("https://", "http://", WITH_AUTH) + SECRET],
    [
      "a password over plain http to this host",
      edit("https://cloud.example.com", "http://127.0.0.1:9090", WITH_AUTH) + SECRET,
    ],
  ],
};
