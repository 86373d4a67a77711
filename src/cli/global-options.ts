// The options that every verb shares with kubectl.
import type { Options } from "./arguments.ts";

export const globalOptions = {
  namespace: {
    short: "n",
    value: "NAMESPACE",
    help: "namespace of the task; default: that of the kubeconfig's context",
  },
  context: { value: "NAME", help: "context of the kubeconfig to use" },
  kubeconfig: { value: "FILE", help: "kubeconfig file; default: $KUBECONFIG, else ~/.kube/config" },
  "request-timeout": { value: "SPAN", help: "give up on a single request after this long, such as 30s" },
  help: { short: "h", help: "show this help" },
} as const satisfies Options;
