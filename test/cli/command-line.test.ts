import { ApiError } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { pooledTasks as taskKind } from "../../src/api/pooled-task.ts";
import { resourcePools as poolKind } from "../../src/api/resource-pool.ts";
import { pooledTasks, resourcePools } from "../../src/cli/kinds.ts";
import { verbs } from "../../src/cli/verbs.ts";
import { stage } from "./stage.ts";

test("help lists every verb with what it does", async () => {
  const { run } = stage();
  const { stdout, status } = await run(["--help"]);
  expect(status).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "pool.map() for Kubernetes: maps a command over items, on nodes that are pooled and shared.

    Usage:
      kubectl pool VERB [options]

    Verbs:
      map        run a command over items and print the results in their order
      top        show the pools, their use and their queues
      explain    tell where a task or a pool stands, and what would help
      results    print the results of a task, in the order of its items
      failures   show which items failed, and why
      logs       print what the program of an item printed
      retry      run the failed items of a task again
      cancel     end a task for good; results that are there stay
      suspend    stop a task for a while
      resume     let a suspended task go on
      stop       let nothing new start in a pool
      drain      stop all that runs in a pool
      start      let a stopped pool run again
      simulate   run a workload in virtual time under every policy, side by side
      version    print the version of this program

    Try:
      seq 100 | kubectl pool map --pool lab --image busybox:1.35 -- sh -c 'echo $((POOL_ITEM * POOL_ITEM))'

    \`kubectl pool VERB --help\` tells more of a verb. Exit status: 0 done, 1 a task or a request failed, 2 wrong use.
    "
  `);
  expect((await run([])).stdout).toBe(stdout);
  expect((await run(["help"])).stdout).toBe(stdout);
});

test("the help of a verb", async () => {
  const { run } = stage();
  expect((await run(["logs", "--help"])).stdout).toMatchInlineSnapshot(`
    "Prints the log of the Pod that ran an item, of its latest attempt. Finished Pods are removed, but for the
    newest twenty failed and twenty succeeded of a task.

    Usage:
      kubectl pool logs TASK (--item N | --shard N) [-f]

    Examples:
      # The log of item 17
      kubectl pool logs squares --item 17

      # Follow shard 3 while it runs
      kubectl pool logs squares --shard 3 -f

    Options:
          --item N    the item, counted from 0
          --shard N   the shard, counted from 0
      -f, --follow    go on as the program prints

    Options of every verb:
      -n, --namespace NAMESPACE    namespace of the task; default: that of the kubeconfig's context
          --context NAME           context of the kubeconfig to use
          --kubeconfig FILE        kubeconfig file; default: $KUBECONFIG, else ~/.kube/config
          --request-timeout SPAN   give up on a single request after this long, such as 30s
      -h, --help                   show this help
    "
  `);
});

test.each(verbs)("$name has help with two examples of itself, and no option that hides a global one", async (verb) => {
  const { run } = stage();
  const { stdout, status } = await run([verb.name, "-h"]);
  expect(status).toBe(0);
  expect(await run(["help", verb.name])).toEqual({ status: 0, stdout, stderr: "" });
  expect(verb.examples.filter(({ command }) => command.includes("kubectl")).length).toBeGreaterThanOrEqual(2);
  expect(Object.keys(verb.options)).not.toEqual(expect.arrayContaining(["namespace"]));
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
});

test("--help after -- belongs to the command", async () => {
  const { run, task, clock } = stage();
  void run(["map", "--pool", "lab", "--image", "i", "--name", "squares", "--", "f", "--help"], { stdin: "1\n" });
  await clock.advance(0);
  expect((await task("squares")).spec.template.spec.containers[0]?.command?.at(-1)).toBe("--help");
});

test.each([
  [["tpo"], 'unknown verb "tpo"; did you mean top?', "help"],
  [["frobnicate"], 'unknown verb "frobnicate"', "help"],
  [["-n", "x", "top"], "the verb comes first, but the line begins with -n", "help"],
  [["top", "--wacth"], "unknown option --wacth; did you mean --watch?", "top --help"],
  [["top", "-x"], "unknown option -x", "top --help"],
  [["top", "-o", "yml"], '-o must be one of wide, json, yaml, name, but is "yml"; did you mean yaml?', "top --help"],
  [["top", "--context"], "--context needs a value: --context NAME", "top --help"],
  [["top", "--context", "--watch"], "--context needs a value: --context NAME", "top --help"],
  [["top", "--watch=yes"], '--watch is a switch and takes no value, but got "yes"', "top --help"],
  [["top", "lab"], 'top takes no name, but got "lab"; select pools by -l', "top --help"],
  [["results", "a", "b"], "one TASK is expected, but 2 are given: a, b", "results --help"],
])("wrong use: %j", async (words, message, see) => {
  const { run } = stage();
  expect(await run(words)).toEqual({
    status: 2,
    stdout: "",
    stderr: `error: ${message}\nSee \`kubectl pool ${see}\`.\n`,
  });
});

test("what the server refuses is told in its words, with exit status 1", async () => {
  const { run, api } = stage();
  api.fail(() => new ApiError({ code: 403, reason: "Forbidden", message: 'user "ada" cannot list resourcepools' }));
  expect(await run(["top"])).toEqual({
    status: 1,
    stdout: "",
    stderr: 'Error from server (Forbidden): user "ada" cannot list resourcepools\n',
  });
});

test("a cluster without our kinds is told apart from one without the task", async () => {
  const { run, api } = stage();
  api.fail(
    () => new ApiError({ code: 404, reason: "NotFound", message: "the server could not find the requested resource" }),
  );
  expect((await run(["results", "squares"])).stderr).toBe(
    "error: the cluster does not know PooledTasks; is kube-pool installed there?\n",
  );
});

test("completion offers verbs, options and the values of options, and nothing after --", async () => {
  const { run } = stage();
  const complete = async (...words: string[]) => (await run(["__complete", ...words])).stdout;
  expect(await complete("re")).toBe(
    "results\tprint the results of a task, in the order of its items\n" +
      "retry\trun the failed items of a task again\nresume\tlet a suspended task go on\n:4\n",
  );
  expect(await complete("results", "squares", "--or")).toBe(
    "--order\tby the number of the item (default), or as they ended\n:4\n",
  );
  expect(await complete("results", "--order", "")).toBe("items\t\ncompletion\t\n:4\n");
  expect(await complete("map", "--", "")).toBe(":4\n");
});

test("the kinds without schemas are those of the API", () => {
  expect({ pooledTasks, resourcePools }).toEqual({ pooledTasks: taskKind, resourcePools: poolKind });
});
