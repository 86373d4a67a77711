// Login by a program, as client.authentication.k8s.io/v1 describes it: it prints an ExecCredential, and is asked
// again when that expires or when the server rejects it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { en } from "zod/locales";
import * as z from "zod/mini";
import type { Clock } from "./clock.ts";
import type { Connection, Environment } from "./connection.ts";

export interface CredentialPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** What to tell who does not have the program. */
  readonly installHint?: string;
  /** Given when the program wants to know the cluster. */
  readonly cluster?: Connection;
}

interface Context {
  /** File and field, for messages. */
  readonly origin: string;
  readonly environment: Environment;
  readonly clock: Clock;
}

const supportedVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
const pluginTimeoutMs = 60_000;
/** A credential this close to its end is not used: the request takes time too. */
const expiryMarginMs = 10_000;

const credentialSchema = z.object({
  apiVersion: z.string(),
  kind: z.literal("ExecCredential"),
  status: z.object({
    token: z.optional(z.string()),
    clientCertificateData: z.optional(z.string()),
    clientKeyData: z.optional(z.string()),
    expirationTimestamp: z.optional(z.string()),
  }),
});
type Credential = z.infer<typeof credentialSchema>["status"];

/** What the program adds to a connection. Certificates are taken once, tokens as often as they expire. */
export async function runCredentialPlugin(plugin: CredentialPlugin, context: Context): Promise<Partial<Connection>> {
  const { origin, clock } = context;
  if (!supportedVersions.includes(plugin.apiVersion)) {
    throw new Error(
      `${origin}.apiVersion: "${plugin.apiVersion}" is not supported; there is ${supportedVersions.join(", ")}`,
    );
  }
  let credential = await askPlugin(plugin, context);
  let asking: Promise<Credential> | undefined;
  const isExpired = ({ expirationTimestamp }: Credential): boolean =>
    expirationTimestamp !== undefined && Date.parse(expirationTimestamp) - expiryMarginMs <= clock.now();
  const { clientCertificateData: cert, clientKeyData: key, token } = credential;
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw new Error(`${origin}: the program gave neither a token nor a certificate with its key`);
  }
  return {
    ...(cert !== undefined && key !== undefined && { cert, key }),
    ...(token !== undefined && {
      async token(rejected?: string) {
        if (isExpired(credential) || credential.token === rejected) {
          // Many requests find the token expired at the same time; the program is asked once.
          asking ??= askPlugin(plugin, context).finally(() => {
            asking = undefined;
          });
          credential = await asking;
        }
        if (credential.token === undefined) throw new Error(`${origin}: the program no longer gives a token`);
        return credential.token;
      },
    }),
  };
}

async function askPlugin(plugin: CredentialPlugin, { origin, environment }: Context): Promise<Credential> {
  const { cluster } = plugin;
  const request = {
    apiVersion: plugin.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(cluster !== undefined && {
        cluster: {
          server: cluster.server,
          ...(cluster.ca !== undefined && { "certificate-authority-data": Buffer.from(cluster.ca).toString("base64") }),
          ...(cluster.serverName !== undefined && { "tls-server-name": cluster.serverName }),
          ...(cluster.insecureSkipTlsVerify === true && { "insecure-skip-tls-verify": true }),
        },
      }),
    },
  };
  const env = {
    ...environment,
    ...Object.fromEntries(plugin.env.map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(request),
  };
  const { stdout } = await promisify(execFile)(plugin.command, [...plugin.args], {
    env,
    timeout: pluginTimeoutMs,
    maxBuffer: 10_000_000,
  }).catch((error: NodeJS.ErrnoException & { stderr?: string }) => {
    if (error.code === "ENOENT") {
      throw new Error(`${origin}.command: ${plugin.command} is not there. ${plugin.installHint ?? ""}`.trim());
    }
    throw new Error(`${origin}: ${plugin.command} failed: ${(error.stderr || error.message).trim().slice(0, 1000)}`);
  });
  return credentialIn(stdout, origin, plugin);
}

function credentialIn(stdout: string, origin: string, { command, apiVersion }: CredentialPlugin): Credential {
  let printed: unknown;
  try {
    printed = JSON.parse(stdout);
  } catch {
    // What was printed may be a secret.
    throw new Error(`${origin}: ${command} did not print JSON`);
  }
  const result = credentialSchema.safeParse(printed, { error: en().localeError });
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new Error(`${origin}: ${command} printed no ExecCredential: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  if (result.data.apiVersion !== apiVersion) {
    throw new Error(`${origin}: ${command} answered in ${result.data.apiVersion}, not in ${apiVersion}`);
  }
  return result.data.status;
}
