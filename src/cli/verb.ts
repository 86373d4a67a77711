// What a verb of the command line is: its words for help, its options, and what it does. Knows no verb in particular.
import type { Clock, KubeApi, Random } from "@dsl/kube-operator";
import type { Arguments, Options } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** 0: done. 1: the task, or the request, failed. 2: wrong use. 130: interrupted. */
export type ExitStatus = 0 | 1 | 2 | 130;

export interface Example {
  readonly does: string;
  readonly command: string;
}

export interface Verb {
  readonly name: string;
  /** One line, for the list of verbs. */
  readonly summary: string;
  /** What stands after the verb: `TASK [--follow]`. */
  readonly usage: string;
  /** More than the summary, in lines of at most 100 characters. */
  readonly description: string;
  readonly options: Options;
  readonly examples: readonly [Example, Example, ...Example[]];
  run(session: Session): Promise<ExitStatus>;
}

/** One call of a verb. */
export interface Session {
  readonly arguments: Arguments;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  /** Reads the kubeconfig only when asked: help needs no cluster. */
  connect(): Promise<Cluster>;
}

export interface Cluster {
  readonly api: KubeApi;
  /** From `--namespace`, else from the kubeconfig's context, else `default`. */
  readonly namespace: string;
}
