// Where Secrets come from: documents and mounted directories, with Kubernetes' ..data links; which sinks are refused, and why.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { systemFiles } from "../../src/platform/files.ts";
import { loadPolicies } from "../../src/policy/load.ts";
import { listing } from "../../src/policy/watch.ts";
import { tempDir } from "../servers/binary.ts";
import { VALID } from "./documents.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir.remove());

const at = (...names: string[]) => join(dir.path, ...names);
const write = (path: string, text: string | Uint8Array, mode = 0o600) => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text, { mode });
};
const policy = (namespace?: string) =>
  `${VALID.replace("  name: edge\n", `  name: edge\n${namespace ? `  namespace: ${namespace}\n` : ""}`)}          authentication: { basicAuth: { secretRef: { name: door } } }\n`;

function load(namespace?: string, extra = "") {
  write(at("policies", "p.yaml"), policy(namespace) + extra);
  const { policies, problems } = loadPolicies([at("policies")], {
    files: systemFiles,
    checkQuery: () => ({ ok: true, kind: "raw", warnings: [] }),
    secretsDir: at("secrets"),
    maxPolicySize: 1_048_576,
  });
  const { credentials, refusal } = policies[0]!.sinks[0]!;
  return {
    credentials,
    reason: refusal?.reason,
    message: refusal?.message ?? "",
    said: problems.map((p) => p.message),
  };
}

describe("mounted secrets", () => {
  test("<namespace>/<name>/username and password, without the last line feed", () => {
    write(at("secrets", "shop", "door", "username"), "edge\n");
    write(at("secrets", "shop", "door", "password"), "pass word\r\n");
    assert.deepEqual(load("shop").credentials, { username: "edge", password: "pass word" });
  });

  test("<name>/… stands for namespace default only", () => {
    write(at("secrets", "door", "username"), "edge");
    write(at("secrets", "door", "password"), "p");
    assert.deepEqual(load().credentials, { username: "edge", password: "p" });
    assert.equal(load("shop").reason, "SecretNotFound");
  });

  test("Kubernetes' ..data links, and what is there after a swap", () => {
    const folder = at("secrets", "default", "door");
    const mount = (n: number) => {
      write(join(folder, `..${n}`, "username"), "edge", 0o644);
      write(join(folder, `..${n}`, "password"), `p${n}`, 0o644);
      symlinkSync(`..${n}`, join(folder, "..tmp"));
      renameSync(join(folder, "..tmp"), join(folder, "..data"));
      rmSync(join(folder, `..${n - 1}`), { recursive: true, force: true });
    };
    mount(1);
    for (const key of ["username", "password"]) symlinkSync(`..data/${key}`, join(folder, key));
    assert.equal(load().credentials?.password, "p1");
    assert.deepEqual(load().said, [], "a volume's modes are Kubernetes' own");
    const before = listing([at("secrets")], systemFiles);
    mount(2);
    assert.notEqual(listing([at("secrets")], systemFiles), before);
    assert.equal(load().credentials?.password, "p2");
  });

  test("incomplete, or bytes that are not text: refused", () => {
    write(at("secrets", "door", "username"), "edge");
    assert.deepEqual(
      [load().reason, load().message],
      ["InvalidAuthentication", "Secret default/door has no password: files username and password are needed."],
    );
    write(at("secrets", "door", "password"), new Uint8Array([0xff, 0xfe]));
    assert.match(load().message, /password cannot be read as UTF-8/);
  });

  test("readable for others: a warning", () => {
    write(at("secrets", "door", "username"), "edge", 0o644);
    write(at("secrets", "door", "password"), "p", 0o600);
    const { credentials, said } = load();
    assert.equal(credentials?.username, "edge");
    assert.deepEqual(said, ["holds a secret and is readable for group or others; run chmod 600 on it"]);
  });

  test("a document does not shadow a mounted directory: it is refused and named, and what is mounted counts", () => {
    write(at("secrets", "door", "username"), "mounted");
    write(at("secrets", "door", "password"), "p");
    const document = `---\napiVersion: v1\nkind: Secret\nmetadata: { name: door }\ntype: kubernetes.io/basic-auth\nstringData: { username: document, password: p }\n`;
    const { credentials, said } = load(undefined, document);
    assert.equal(credentials?.username, "mounted");
    assert.deepEqual(said, [
      `Secret default/door is in --secrets-dir too (${at("secrets", "door")}), which takes precedence; remove one of them`,
    ]);
    rmSync(at("secrets"), { recursive: true });
    assert.equal(load(undefined, document).credentials?.username, "document");
  });

  test("a control character in a value refuses the sink, in files and in documents", () => {
    write(at("secrets", "door", "username"), "u");
    write(at("secrets", "door", "password"), "a\nb\n");
    const { reason, message } = load();
    assert.equal(reason, "InvalidAuthentication");
    assert.match(message, /the value of password has a line break or another control character in it: remove it\.$/);
  });

  test("a refused sink leaves its siblings alone", () => {
    const sibling = policy().slice(policy().indexOf("    - name: cloud"), policy().indexOf("          authentication"));
    write(at("policies", "p.yaml"), policy() + sibling.replace("cloud", "open"));
    const { policies } = loadPolicies([at("policies")], {
      files: systemFiles,
      checkQuery: () => ({ ok: true, kind: "raw", warnings: [] }),
      maxPolicySize: 1_048_576,
    });
    assert.deepEqual(
      policies[0]!.sinks.map((s) => [s.name, s.refusal?.reason]),
      [
        ["cloud", "SecretNotFound"],
        ["open", undefined],
      ],
    );
  });
});
