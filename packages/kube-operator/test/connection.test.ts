import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inClusterConnection } from "../src/connection.ts";
import { kubeconfigConnection } from "../src/kubeconfig.ts";
import { manualClock } from "../testing/manual-clock.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "connection-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

const pem = (name: string): string => `-----BEGIN ${name}-----\nAAAA\n-----END ${name}-----\n`;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("in a cluster", () => {
  const environment = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };

  test("outside of one there is no connection", () => {
    expect(inClusterConnection({})).toBeUndefined();
  });

  test("the service account says who asks, and its token is read anew after a minute or when it is rejected", async () => {
    await file("ca.crt", pem("CERTIFICATE"));
    await file("namespace", "team-a\n");
    await file("token", "first\n");
    const clock = manualClock();
    const connection = inClusterConnection(environment, { directory, clock });
    expect(connection).toMatchObject({ server: "https://10.0.0.1:443", ca: pem("CERTIFICATE"), namespace: "team-a" });
    expect(await connection?.token?.()).toBe("first");
    await file("token", "second\n");
    expect(await connection?.token?.()).toBe("first");
    await clock.advance(60_000);
    expect(await connection?.token?.()).toBe("second");
    await file("token", "third\n");
    expect(await connection?.token?.("second")).toBe("third");
  });

  test("an address of IPv6 stands in brackets", async () => {
    for (const name of ["ca.crt", "namespace", "token"]) await file(name, "x");
    const connection = inClusterConnection({ ...environment, KUBERNETES_SERVICE_HOST: "fd00::1" }, { directory });
    expect(connection?.server).toBe("https://[fd00::1]:443");
  });
});

describe("kubeconfig", () => {
  /** A file with one context, whose user has these fields. */
  const config = (user: object, cluster: object = {}, context = "one"): string =>
    JSON.stringify({
      "current-context": context,
      clusters: [{ name: "c", cluster: { server: "https://example.test:6443", ...cluster } }],
      users: [{ name: "u", user }],
      contexts: [{ name: context, context: { cluster: "c", user: "u", namespace: "team-a" } }],
    });
  const read = (path: string, options: { context?: string } = {}) =>
    kubeconfigConnection({ path, environment: {}, ...options });

  test("certificates may stand in the file or beside it", async () => {
    await file("pki/ca.pem", pem("CERTIFICATE"));
    await file("pki/client.pem", pem("CLIENT"));
    const user = { "client-certificate": "pki/client.pem", "client-key-data": base64(pem("KEY")) };
    const path = await file(
      "config",
      config(user, { "certificate-authority": "pki/ca.pem", "tls-server-name": "kube" }),
    );
    expect(await read(path)).toEqual({
      server: "https://example.test:6443",
      ca: pem("CERTIFICATE"),
      cert: pem("CLIENT"),
      key: pem("KEY"),
      serverName: "kube",
      namespace: "team-a",
    });
  });

  test("a token may stand in the file or beside it", async () => {
    await file("token", "beside\n");
    const inside = await read(await file("a", config({ token: "inside" })));
    const beside = await read(await file("b", config({ tokenFile: "token" })));
    expect([await inside.token?.(), await beside.token?.()]).toEqual(["inside", "beside"]);
  });

  test("who acts as somebody else is known as such", async () => {
    const path = await file("config", config({ token: "mine", as: "alice", "as-groups": ["team-a", "all"] }));
    const connection = await read(path);
    expect(connection.actsAs).toEqual({ user: "alice", groups: ["team-a", "all"] });
    expect(await connection.token?.()).toBe("mine");
  });

  test("of several files the first wins, entry by entry, and one may be missing", async () => {
    const first = await file("first", config({ token: "first" }));
    const other = JSON.stringify({
      "current-context": "two",
      clusters: [
        { name: "c", cluster: { server: "https://other.test" } },
        { name: "d", cluster: { server: "https://d.test" } },
      ],
      contexts: [{ name: "two", context: { cluster: "d" } }],
    });
    const second = await file("second", other);
    const environment = { KUBECONFIG: [join(directory, "missing"), first, second].join(delimiter) };
    expect((await kubeconfigConnection({ environment })).server).toBe("https://example.test:6443");
    expect((await kubeconfigConnection({ environment, context: "two" })).server).toBe("https://d.test");
  });

  test("without KUBECONFIG it is the file in the home folder", async () => {
    await file(".kube/config", config({ token: "home" }));
    const connection = await kubeconfigConnection({ environment: { HOME: directory } });
    expect(await connection.token?.()).toBe("home");
  });

  test.each<[string, string, RegExp]>([
    ["a context that is missing", config({}, {}, "two"), /context "one" does not exist; there is "two"/],
    [
      "a certificate without its key",
      config({ "client-certificate-data": base64(pem("A")) }),
      /users "u": client-key is missing/,
    ],
    ["groups of nobody", config({ "as-groups": ["a"] }), /users "u": as-groups needs as, which is missing/],
    ["another uid", config({ as: "a", "as-uid": "1" }), /users "u": as-uid is not supported; as and as-groups are/],
    [
      "data that is no PEM",
      config({}, { "certificate-authority-data": "AAAA" }),
      /clusters "c": certificate-authority-data is not PEM/,
    ],
    [
      "a file that is missing",
      config({}, { "certificate-authority": "no.pem" }),
      /certificate-authority: .*no\.pem cannot be read \(ENOENT\)/,
    ],
    ["a server that is no URL", config({}, { server: "not a url" }), /clusters "c": server is no URL/],
    ["a field of the wrong type", config({}, { server: 6443 }), /clusters\.0\.cluster\.server: .*expected string/],
    ["a login of former times", config({ "auth-provider": { name: "gcp" } }), /users "u": auth-provider was removed/],
    ["no YAML", "a: [secret", /config: this is no YAML \(line 1\)$/],
  ])("%s is said with file and field", async (_, content, message) => {
    const path = await file("config", content);
    const failure = await read(path, { context: "one" }).catch((error: Error) => error.message);
    expect(failure).toMatch(message);
    expect(failure).toContain(path);
  });

  test("a file that is missing is said, and so is a list of which none exists", async () => {
    const missing = join(directory, "missing");
    await expect(read(missing)).rejects.toThrow(`${missing}: the kubeconfig cannot be read (ENOENT)`);
    const environment = { KUBECONFIG: [missing, `${missing}-2`].join(delimiter) };
    await expect(kubeconfigConnection({ environment })).rejects.toThrow("none of its files exists");
  });
});

describe("a login program", () => {
  /** A program that counts its calls in a file, and prints a credential with the count in its token. */
  async function program(status: string): Promise<{ readonly config: string; readonly info: string }> {
    const info = join(directory, "info");
    const command = await file(
      "bin/login",
      `#!/bin/sh\necho x >>"${directory}/calls"\nprintf %s "$KUBERNETES_EXEC_INFO" >"${info}"\n` +
        `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":%s}' ` +
        `"$(printf '${status}' "$(wc -l <"${directory}/calls" | tr -d ' ')")"\n`,
    );
    await chmod(command, 0o755);
    return { info, config: await execConfig({ command: "bin/login", provideClusterInfo: true }) };
  }

  const execConfig = (exec: object): Promise<string> =>
    file(
      "config",
      JSON.stringify({
        "current-context": "one",
        clusters: [{ name: "c", cluster: { server: "https://example.test" } }],
        users: [{ name: "u", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", ...exec } } }],
        contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
      }),
    );

  const connect = (path: string, clock = manualClock()) =>
    kubeconfigConnection({ path, environment: { PATH: process.env.PATH }, clock });

  test("is asked once, told of the cluster, and asked again when its token expires or is rejected", async () => {
    const clock = manualClock(Date.parse("2026-01-01T00:00:00Z"));
    const { config, info } = await program('{"token":"t%s","expirationTimestamp":"2026-01-01T01:00:00Z"}');
    const connection = await connect(config, clock);
    expect(await connection.token?.()).toBe("t1");
    expect(await connection.token?.()).toBe("t1");
    expect(JSON.parse(await readFile(info, "utf8"))).toMatchObject({
      kind: "ExecCredential",
      spec: { interactive: false, cluster: { server: "https://example.test" } },
    });
    expect(await connection.token?.("t1")).toBe("t2");
    await clock.advance(3_600_000);
    const both = await Promise.all([connection.token?.(), connection.token?.()]);
    expect(both).toEqual(["t3", "t3"]);
  });

  test("may give a certificate with its key", async () => {
    const { config } = await program('{"clientCertificateData":"CERT","clientKeyData":"KEY"}');
    expect(await connect(config)).toMatchObject({ cert: "CERT", key: "KEY" });
  });

  test.each<[string, object, RegExp]>([
    [
      "that is not installed",
      { command: "no-such-login", installHint: "Get it at example.test." },
      /exec\.command: no-such-login is not there\. Get it at/,
    ],
    ["that fails", { command: "sh", args: ["-c", "echo not logged in >&2; exit 1"] }, /exec: sh failed: not logged in/],
    ["that prints no JSON", { command: "echo", args: ["hello"] }, /exec: echo did not print JSON/],
    [
      "that prints something else",
      { command: "echo", args: ["{}"] },
      /exec: echo printed no ExecCredential: apiVersion/,
    ],
    [
      "of a version that is not known",
      { command: "echo", apiVersion: "v0" },
      /exec\.apiVersion: "v0" is not supported/,
    ],
  ])("%s is an error that says so", async (_, exec, message) => {
    await expect(connect(await execConfig(exec))).rejects.toThrow(message);
  });
});
