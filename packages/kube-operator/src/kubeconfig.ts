// kubeconfig files → a connection. Says which file and which field is wrong, never what a secret is.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { en } from "zod/locales";
import * as z from "zod/mini";
import { type Clock, systemClock } from "./clock.ts";
import { type Connection, type Environment, tokenFromFile } from "./connection.ts";
import { runCredentialPlugin } from "./credential-plugin.ts";

export interface KubeconfigOptions {
  /** Absent: the files that KUBECONFIG lists, else ~/.kube/config. */
  readonly path?: string;
  /** Absent: the current one. */
  readonly context?: string;
  readonly environment: Environment;
  readonly clock?: Clock;
}

// The small build of zod: a program that runs once pays for the whole at every start.
const text = z.optional(z.string());

const clusterSchema = z.object({
  server: z.string(),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": z.optional(z.boolean()),
  "tls-server-name": text,
  "proxy-url": text,
});

const userSchema = z.object({
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
  username: text,
  as: text,
  "as-groups": z.nullish(z.array(z.string())),
  "as-uid": text,
  "as-user-extra": z.optional(z.unknown()),
  exec: z.optional(
    z.object({
      apiVersion: z.string(),
      command: z.string(),
      args: z.nullish(z.array(z.string())),
      env: z.nullish(z.array(z.object({ name: z.string(), value: z.string() }))),
      provideClusterInfo: z.optional(z.boolean()),
      installHint: text,
    }),
  ),
  "auth-provider": z.optional(z.unknown()),
});

const contextSchema = z.object({ cluster: z.string(), user: text, namespace: text });

const fileSchema = z.object({
  "current-context": text,
  clusters: z.nullish(z.array(z.object({ name: z.string(), cluster: clusterSchema }))),
  users: z.nullish(z.array(z.object({ name: z.string(), user: z.nullish(userSchema) }))),
  contexts: z.nullish(z.array(z.object({ name: z.string(), context: contextSchema }))),
});

/** A named entry, and the file that it stands in: paths in it are relative to that file. */
interface Entry<T> {
  readonly value: T;
  readonly file: string;
}

interface Kubeconfig {
  readonly files: readonly string[];
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Entry<z.infer<typeof clusterSchema>>>;
  readonly users: ReadonlyMap<string, Entry<z.infer<typeof userSchema>>>;
  readonly contexts: ReadonlyMap<string, Entry<z.infer<typeof contextSchema>>>;
}

export async function kubeconfigConnection(options: KubeconfigOptions): Promise<Connection> {
  const { environment, clock = systemClock } = options;
  const config = await readKubeconfig(options);
  const where = config.files.join(", ");
  const name = options.context ?? config.currentContext;
  if (name === undefined || name === "")
    throw new Error(`${where}: no current-context is set, and no context was named`);
  const context = found(config.contexts, name, where, "context");
  const cluster = found(config.clusters, context.value.cluster, context.file, `contexts "${name}": cluster`);
  const user =
    context.value.user === undefined || context.value.user === ""
      ? undefined
      : found(config.users, context.value.user, context.file, `contexts "${name}": user`);
  const { namespace } = context.value;
  const clusterPart = await clusterConnection(cluster, context.value.cluster);
  return {
    ...clusterPart,
    ...(namespace !== undefined && namespace !== "" && { namespace }),
    ...(user !== undefined && (await userConnection(user, context.value.user ?? "", clusterPart, environment, clock))),
  };
}

function found<T>(entries: ReadonlyMap<string, Entry<T>>, name: string, file: string, field: string): Entry<T> {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const known = [...entries.keys()].map((other) => `"${other}"`).join(", ") || "none";
  throw new Error(`${file}: ${field} "${name}" does not exist; there is ${known}`);
}

async function readKubeconfig({ path, environment }: KubeconfigOptions): Promise<Kubeconfig> {
  const listed = (environment.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const isDefault = path === undefined && listed.length === 0;
  const fallback = join(environment.HOME ?? homedir(), ".kube", "config");
  const files = path !== undefined ? [path] : isDefault ? [fallback] : listed;
  const merged = { clusters: new Map(), users: new Map(), contexts: new Map() };
  const present: string[] = [];
  let currentContext: string | undefined;
  for (const file of files) {
    // One of several files may be missing, as with kubectl.
    const content = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" && files.length > 1) return undefined;
      throw new Error(`${file}: the kubeconfig cannot be read (${error.code ?? error.message})`, { cause: error });
    });
    if (content === undefined) continue;
    present.push(file);
    const part = parseFile(file, content);
    currentContext ??= part["current-context"] || undefined;
    for (const { name, cluster } of part.clusters ?? []) addFirst(merged.clusters, name, cluster, file);
    for (const { name, user } of part.users ?? []) addFirst(merged.users, name, user ?? {}, file);
    for (const { name, context } of part.contexts ?? []) addFirst(merged.contexts, name, context, file);
  }
  if (present.length === 0) throw new Error(`KUBECONFIG: none of its files exists: ${files.join(", ")}`);
  return { files: present, currentContext, ...merged };
}

function addFirst<T>(entries: Map<string, Entry<T>>, name: string, value: T, file: string): void {
  if (!entries.has(name)) entries.set(name, { value, file });
}

function parseFile(file: string, content: string): z.infer<typeof fileSchema> {
  let document: unknown;
  try {
    document = parse(content);
  } catch (error) {
    // The parser's message quotes the file, and the file holds secrets.
    const line = (error as { linePos?: readonly { line: number }[] }).linePos?.[0]?.line;
    throw new Error(`${file}: this is no YAML${line === undefined ? "" : ` (line ${line})`}`);
  }
  const result = fileSchema.safeParse(document ?? {}, { error: en().localeError });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`${file}: ${issue?.path.join(".") || "the file"}: ${issue?.message}`);
}

async function clusterConnection(
  { value, file }: Entry<z.infer<typeof clusterSchema>>,
  name: string,
): Promise<Connection> {
  if (value["proxy-url"]) throw new Error(`${file}: clusters "${name}": proxy-url is not supported`);
  if (!URL.canParse(value.server)) throw new Error(`${file}: clusters "${name}": server is no URL: "${value.server}"`);
  const place = { file, entry: `clusters "${name}"` };
  const ca = await pemOf(
    place,
    "certificate-authority",
    value["certificate-authority"],
    value["certificate-authority-data"],
  );
  return {
    server: value.server,
    ...(ca !== undefined && { ca }),
    ...(value["tls-server-name"] && { serverName: value["tls-server-name"] }),
    ...(value["insecure-skip-tls-verify"] === true && { insecureSkipTlsVerify: true }),
  };
}

async function userConnection(
  { value, file }: Entry<z.infer<typeof userSchema>>,
  name: string,
  cluster: Connection,
  environment: Environment,
  clock: Clock,
): Promise<Partial<Connection>> {
  const place = { file, entry: `users "${name}"` };
  const refuse = (why: string): Error => new Error(`${file}: ${place.entry}: ${why}`);
  if (value["auth-provider"]) throw refuse("auth-provider was removed from Kubernetes; use exec");
  if (value.username) throw refuse("username and password were removed from Kubernetes");
  const actsAs = actsAsOf(value, refuse);
  const cert = await pemOf(place, "client-certificate", value["client-certificate"], value["client-certificate-data"]);
  const key = await pemOf(place, "client-key", value["client-key"], value["client-key-data"]);
  if ((cert === undefined) !== (key === undefined)) {
    throw refuse(`${cert === undefined ? "client-certificate" : "client-key"} is missing`);
  }
  const pair = {
    ...(cert !== undefined && key !== undefined && { cert, key }),
    ...(actsAs !== undefined && { actsAs }),
  };
  if (value.tokenFile) return { ...pair, token: tokenFromFile(resolve(dirname(file), value.tokenFile), clock) };
  const { token, exec } = value;
  if (token) return { ...pair, token: async () => token };
  if (exec === undefined) return pair;
  const { args, env, installHint, provideClusterInfo } = exec;
  // A relative path with a separator is relative to the file; a plain name is looked up on the PATH.
  const command = /[\\/]/.test(exec.command) ? resolve(dirname(file), exec.command) : exec.command;
  return {
    ...pair,
    ...(await runCredentialPlugin(
      {
        apiVersion: exec.apiVersion,
        command,
        args: args ?? [],
        env: env ?? [],
        ...(installHint !== undefined && { installHint }),
        ...(provideClusterInfo === true && { cluster }),
      },
      { origin: `${file}: ${place.entry}: exec`, environment, clock },
    )),
  };
}

/** Left out in silence, whoever chose to act with fewer rights would act with all of them. */
function actsAsOf(value: z.infer<typeof userSchema>, refuse: (why: string) => Error): Connection["actsAs"] {
  const { as: user, "as-groups": groups, "as-uid": uid, "as-user-extra": extra } = value;
  if (uid || extra) throw refuse(`${uid ? "as-uid" : "as-user-extra"} is not supported; as and as-groups are`);
  if (!user && groups?.length) throw refuse("as-groups needs as, which is missing");
  return user ? { user, groups: groups ?? [] } : undefined;
}

/** A certificate or key: given as data, or in a file that is named relative to the kubeconfig. Data wins, as in kubectl. */
async function pemOf(
  { file, entry }: { readonly file: string; readonly entry: string },
  field: string,
  path: string | undefined,
  data: string | undefined,
): Promise<string | undefined> {
  if (data) {
    const pem = Buffer.from(data, "base64").toString("utf8");
    if (!pem.includes("-----BEGIN")) throw new Error(`${file}: ${entry}: ${field}-data is not PEM in base64`);
    return pem;
  }
  if (!path) return undefined;
  const full = resolve(dirname(file), path);
  return readFile(full, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file}: ${entry}: ${field}: ${full} cannot be read (${error.code ?? error.message})`);
  });
}
