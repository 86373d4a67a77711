// `kubectl pool version`.
import type { Verb } from "./verb.ts";

// Set when the bundle is built; from source there is none.
declare const KUBE_POOL_VERSION: string | undefined;

export const version: Verb = {
  name: "version",
  summary: "print the version of this program",
  usage: "",
  description: "Prints the version of this program.",
  options: {},
  examples: [
    { does: "The version", command: "kubectl pool version" },
    {
      does: "The version of the installed API",
      command: "kubectl get crd pooledtasks.kube-pool.dev -o jsonpath='{.spec.versions[*].name}'",
    },
  ],
  async run({ terminal }) {
    terminal.stdout.write(
      `kubectl-pool ${typeof KUBE_POOL_VERSION === "string" ? KUBE_POOL_VERSION : "(from source)"}\n`,
    );
    return 0;
  },
};
