// From a kubeconfig, or a pod's service account, to server, certificates and the Authorization header: as kubectl understands them.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { AccessError, inClusterAccess } from "../../src/kubernetes/client/access.ts";
import type { RunPlugin } from "../../src/kubernetes/client/exec-plugin.ts";
import { type KubeconfigOptions, kubeconfigAccess } from "../../src/kubernetes/client/kubeconfig.ts";
import { systemFiles } from "../../src/platform/files.ts";
import { tempDir } from "../servers/binary.ts";

const dir = tempDir();
after(() => dir.remove());
const path = (name: string) => join(dir.path, name);
const file = (name: string, text: string): string => {
  writeFileSync(path(name), text);
  return path(name);
};

const noPlugin: RunPlugin = async () => assert.fail("no plugin is to run");
let nowMs = 1_000_000;
const options = (more: Partial<KubeconfigOptions> = {}): KubeconfigOptions => ({
  files: systemFiles,
  runPlugin: noPlugin,
  now: () => nowMs,
  tell: () => {},
  ...more,
});

type Parts = { cluster?: string; user?: string; context?: string; head?: string };
const config = ({
  cluster = "server: https://k8s:6443",
  user = "token: t",
  context = "",
  head = "current-context: c",
}: Parts) =>
  `apiVersion: v1
kind: Config
${head}
clusters: [{ name: k, cluster: { ${cluster} } }]
users: [{ name: u, user: { ${user} } }]
contexts: [{ name: c, context: { cluster: k, user: u${context} } }]
`;

describe("a kubeconfig", () => {
  const cases: [what: string, parts: Parts, header: string | undefined][] = [
    ["a token", { user: "token: abc" }, "Bearer abc"],
    [
      "a user name and password",
      { user: "username: u, password: p" },
      `Basic ${Buffer.from("u:p").toString("base64")}`,
    ],
    ["a client certificate alone", { user: "client-certificate: c.pem, client-key: k.pem" }, undefined],
    ["a token file before a token, as kubectl has it", { user: "token: no, tokenFile: token" }, "Bearer from-file"],
    ["no user at all", { user: "" }, undefined],
  ];
  before(() => file("token", "from-file\n"));
  for (const [what, parts, header] of cases)
    test(`${what}`, async () => {
      const access = kubeconfigAccess([file("config", config(parts))], options());
      assert.equal(await access.authorization(), header);
      assert.equal(access.server, "https://k8s:6443");
    });

  test("paths are meant from the file; a server may have a path; only the given CA counts", () => {
    const access = kubeconfigAccess(
      [
        file(
          "config",
          config({
            cluster: "server: 'https://k8s:6443/clusters/one/', certificate-authority: ca.crt, tls-server-name: api",
            user: "client-certificate: pki/c.pem, client-key: pki/k.pem",
            context: ", namespace: team",
          }),
        ),
      ],
      options(),
    );
    assert.equal(access.server, "https://k8s:6443/clusters/one");
    assert.equal(access.namespace, "team");
    assert.deepEqual(access.tls, {
      ca: path("ca.crt"),
      onlyCa: true,
      cert: path("pki/c.pem"),
      key: path("pki/k.pem"),
      serverName: "api",
      insecure: false,
    });
  });

  test("inline data stands in for files", () => {
    const data = Buffer.from("-----BEGIN CERTIFICATE-----").toString("base64");
    const access = kubeconfigAccess(
      [file("config", config({ cluster: `server: https://k8s:6443, certificate-authority-data: ${data}` }))],
      options(),
    );
    assert.equal(new TextDecoder().decode(access.files.read(access.tls.ca!)), "-----BEGIN CERTIFICATE-----");
  });

  test("of several files the first that names something wins; one that is missing is skipped", async () => {
    const one = file("one", config({ user: "token: one" }));
    const two = file("two", config({ user: "token: two", head: "current-context: other" }));
    assert.equal(await kubeconfigAccess([path("missing"), one, two], options()).authorization(), "Bearer one");
    assert.equal(await kubeconfigAccess([two, one], options({ context: "c" })).authorization(), "Bearer two");
  });

  test("a token file is read again when it is replaced", async () => {
    file("rotated", "one");
    const access = kubeconfigAccess([file("config", config({ user: "tokenFile: rotated" }))], options());
    assert.equal(await access.authorization(), "Bearer one");
    file("rotated", "two is longer");
    assert.equal(await access.authorization(), "Bearer two is longer");
  });

  const wrong: [what: string, text: string, message: RegExp][] = [
    ["no current context", config({ head: "" }), /has no current-context: choose one with --context$/],
    ["an unknown context", config({ head: "current-context: x" }), /has no context "x": it has c$/],
    ["an unknown cluster", config({}).replace("cluster: k,", "cluster: z,"), /names a cluster that \S+ does not have$/],
    ["an unknown user", config({}).replace("user: u ", "user: z "), /names a user that \S+ does not have$/],
    ["no server", config({ cluster: "server: ''" }), /has no valid server: it must be an http or https URL$/],
    ["impersonation", config({ user: "token: t, as: root" }), /has "as": impersonation is not supported$/],
    ["an auth provider", config({ user: "auth-provider: { name: oidc }" }), /auth-provider.*use an exec plugin$/],
    [
      "broken YAML with a token in it",
      "users: [{ token: s3cret",
      /^cannot read the kubeconfig \S+ \(not valid YAML\)$/,
    ],
    ["a text", "hello", /is not a mapping$/],
    [
      "a missing token file",
      config({ user: "tokenFile: nowhere" }),
      /^cannot read the token file \S+nowhere \(ENOENT\)$/,
    ],
    [
      "an old plugin",
      config({ user: "exec: { command: p, apiVersion: client.authentication.k8s.io/v1alpha1 }" }),
      /v1 or \S+v1beta1 is needed$/,
    ],
    ["a plugin that asks", config({ user: "exec: { command: p, interactiveMode: Always }" }), /asks for a terminal/],
  ];
  for (const [what, text, message] of wrong)
    test(`${what} is refused`, () =>
      assert.throws(
        () => kubeconfigAccess([file("config", text)], options()),
        (e) => e instanceof AccessError && message.test(e.message) && !e.message.includes("s3cret"),
        String(message),
      ));

  test("a file that is not there", () =>
    assert.throws(
      () => kubeconfigAccess([path("nowhere")], options()),
      /cannot read the kubeconfig \S+nowhere \(ENOENT\)/,
    ));
});

describe("an exec plugin", () => {
  const spec = "exec: { command: ./login, args: [get], env: [{ name: A, value: b }], provideClusterInfo: true }";
  const plugin =
    (status: object, ran: string[] = []): RunPlugin =>
    async (command, args, env) => {
      ran.push(`${command} ${args.join(" ")} ${env.A} ${JSON.parse(env.KUBERNETES_EXEC_INFO!).spec.cluster.server}`);
      return JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status });
    };

  test("gives a token that is used until it expires, or the server refuses it", async () => {
    const ran: string[] = [];
    const status = { token: "t1", expirationTimestamp: new Date(nowMs + 60_000).toISOString() };
    const access = kubeconfigAccess(
      [file("config", config({ user: spec }))],
      options({ runPlugin: plugin(status, ran) }),
    );
    assert.equal(await access.authorization(), "Bearer t1");
    await Promise.all([access.authorization(), access.authorization()]);
    assert.deepEqual(ran, [`${path("login")} get b https://k8s:6443`]);
    nowMs += 55_000;
    await Promise.all([access.authorization(), access.authorization()]);
    assert.equal(ran.length, 2, "asked once, for both");
    access.rejected();
    await access.authorization();
    assert.equal(ran.length, 3);
  });

  test("gives a client certificate", async () => {
    const status = { clientCertificateData: "CERT", clientKeyData: "KEY" };
    const access = kubeconfigAccess([file("config", config({ user: spec }))], options({ runPlugin: plugin(status) }));
    assert.equal(access.files.info(access.tls.cert!), undefined);
    assert.equal(await access.authorization(), undefined);
    assert.equal(new TextDecoder().decode(access.files.read(access.tls.cert!)), "CERT");
    assert.equal(new TextDecoder().decode(access.files.read(access.tls.key!)), "KEY");
  });

  const wrong: [what: string, run: RunPlugin, message: RegExp][] = [
    [
      "is not installed",
      async () => Promise.reject(Object.assign(new Error("x"), { code: "ENOENT" })),
      /login failed: ENOENT$/,
    ],
    ["fails", async () => Promise.reject(Object.assign(new Error("s3cret"), { code: 3 })), /login failed: 3$/],
    ["prints nonsense", async () => "s3cret", /printed no ExecCredential with a status$/],
    ["gives nothing", async () => '{"status":{}}', /gave no token and no client certificate$/],
  ];
  for (const [what, run, message] of wrong)
    test(`that ${what} is said without what it printed`, async () => {
      const access = kubeconfigAccess([file("config", config({ user: spec }))], options({ runPlugin: run }));
      await assert.rejects(
        access.authorization(),
        (e: Error) => message.test(e.message) && !e.message.includes("s3cret"),
      );
    });
});

describe("in a cluster", () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
  const pod = (): string => {
    mkdirSync(path("sa"), { recursive: true });
    for (const [name, text] of [
      ["token", "t1"],
      ["ca.crt", "CA"],
      ["namespace", "outflow-system\n"],
    ] as const)
      writeFileSync(path(`sa/${name}`), text);
    return path("sa");
  };

  test("the service account: token read again, its CA only, never through a proxy", async () => {
    const access = inClusterAccess(env, systemFiles, () => {}, pod())!;
    assert.equal(access.server, "https://10.0.0.1:443");
    assert.equal(access.namespace, "outflow-system");
    assert.equal(access.proxy, "off");
    assert.deepEqual(access.tls, { ca: path("sa/ca.crt"), onlyCa: true });
    assert.equal(await access.authorization(), "Bearer t1");
    writeFileSync(path("sa/token"), "t2-longer");
    assert.equal(await access.authorization(), "Bearer t2-longer");
  });

  test("an IPv6 service address", () =>
    assert.equal(
      inClusterAccess({ ...env, KUBERNETES_SERVICE_HOST: "fd00::1" }, systemFiles, () => {}, pod())?.server,
      "https://[fd00::1]:443",
    ));

  test("outside of a pod there is none", () => {
    assert.equal(
      inClusterAccess({}, systemFiles, () => {}, pod()),
      undefined,
    );
    assert.equal(
      inClusterAccess(env, systemFiles, () => {}, path("none")),
      undefined,
    );
  });
});
