// The register in a real etcd, with and without a user; what is said when it cannot be used.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { etcdRegister } from "../../src/fleet/etcd.ts";
import { createHttpClient } from "../../src/http/client.ts";
import { type Etcd, startEtcd } from "../servers/etcd.ts";
import { needs } from "../servers/found.ts";
import { freePort } from "../servers/servers.ts";
import { checkRegister } from "./register-contract.ts";

const http = createHttpClient({ connectMs: 2_000, connections: 8 });
const { signal } = new AbortController();

describe("etcd", needs("etcd", "etcdctl"), () => {
  let etcd: Etcd;
  before(async () => {
    if (!needs("etcd", "etcdctl").skip) etcd = await startEtcd();
  });
  after(() => etcd?.remove());

  const register = (more: Partial<Parameters<typeof etcdRegister>[0]> = {}) =>
    etcdRegister({ urls: [etcd.url], prefix: "/outflow/", http, ...more });

  test("is a register", needs("etcd"), () => checkRegister(register({ prefix: "/one/" })));

  test("keeps fleets apart by their prefix", needs("etcd"), async () => {
    await register({ prefix: "/two/" }).create("config", "2", signal);
    await register({ prefix: "/twofold/" }).create("config", "3", signal);
    const list = await register({ prefix: "/two/" }).list(signal);
    assert.ok(list.ok);
    assert.deepEqual(
      list.value.map((e) => [e.key, e.value]),
      [["config", "2"]],
    );
  });

  test("one that is away is named, and the next one is asked", needs("etcd"), async () => {
    const away = `http://127.0.0.1:${await freePort()}`;
    const both = register({ urls: [away, etcd.url], prefix: "/three/" });
    const first = await both.get("config", signal);
    assert.ok(!first.ok && first.message.includes(away), JSON.stringify(first));
    assert.ok((await both.create("config", "1", signal)).ok);
  });

  test("with a user: the token is asked for, and again when it is no longer valid", needs("etcd"), async () => {
    etcd.ctl("user", "add", "root:rootpw");
    etcd.ctl("user", "grant-role", "root", "root");
    etcd.ctl("user", "add", "outflow:s3cret");
    etcd.ctl("role", "add", "outflow");
    etcd.ctl("role", "grant-permission", "outflow", "--prefix=true", "readwrite", "/four/");
    etcd.ctl("user", "grant-role", "outflow", "outflow");
    etcd.ctl("auth", "enable");
    try {
      const user = { name: "outflow", password: "s3cret" };
      await checkRegister(register({ prefix: "/four/", credentials: () => user }));
      const kept = register({ prefix: "/four/", credentials: () => user });
      assert.ok((await kept.get("config", signal)).ok);
      await etcd.signal("SIGKILL"); // simple tokens do not survive
      await etcd.start();
      assert.ok((await kept.get("config", signal)).ok, "a new token");

      const wrong = await register({ credentials: () => ({ name: "outflow", password: "n0" }) }).get("config", signal);
      assert.ok(
        !wrong.ok && /authentication failed/.test(wrong.message) && !/n0/.test(wrong.message),
        JSON.stringify(wrong),
      );
      const outside = await register({ prefix: "/five/", credentials: () => user }).create("config", "x", signal);
      assert.ok(
        !outside.ok && outside.why === "failed" && /permission denied/.test(outside.message),
        JSON.stringify(outside),
      );
    } finally {
      etcd.ctl("--user", "root:rootpw", "auth", "disable");
    }
  });
});
