// The wrapper is run for real, by each shell that is here: what it promises is about shells.
import { describe, expect, test } from "vitest";
import { type WrapperRecord, wrapperRecords } from "../../src/engine/termination-message.ts";
import { itemsOf } from "./builders.ts";
import { runShard, ShardProcess, type ShardRun, shells } from "./shells.ts";

const square = "echo $((POOL_ITEM * POOL_ITEM)) > $POOL_RESULT";
const echoItem = 'printf "%s\\n" "$POOL_ITEM" > "$POOL_RESULT"';

function recordsOf(run: ShardRun): readonly WrapperRecord[] {
  return wrapperRecords(run.message)?.records ?? [];
}

function resultsOf(run: ShardRun): readonly (string | undefined)[] {
  return recordsOf(run).map(({ result }) => result);
}

describe.each(await shells())("under $name", (shell) => {
  test("the command is run once for each item, in order, and its results come back", async () => {
    const run = await runShard(shell, { items: itemsOf(["1", "2", "3"]), script: square });
    expect(run).toMatchObject({ exit: 0, stderr: "" });
    expect(wrapperRecords(run.message)).toMatchObject({ ended: true });
    expect(resultsOf(run)).toEqual(["1", "4", "9"]);
  });

  test("each run sees its item, its index and the shard's variables", async () => {
    const run = await runShard(shell, {
      items: [...itemsOf(["a", "b"], 7), ...itemsOf(["c"], 20)],
      script: 'echo "$POOL_ITEM $POOL_INDEX $POOL_TASK $POOL_SHARD $POOL_ATTEMPT $POOL_FENCE" > $POOL_RESULT',
    });
    const fence = "5f0c1e8a-0000-4000-8000-000000000001/3/1/pod-uid";
    expect(resultsOf(run)).toEqual([7, 8, 20].map((index, n) => `${"abc"[n]} ${index} squares 3 1 ${fence}`));
  });

  test("the coordinates of a matrix item are variables, and make its text", async () => {
    const axes = (lr: string, kind: string) => [
      { name: "lr", value: lr },
      { name: "kind.of", value: kind },
    ];
    const run = await runShard(shell, {
      items: [
        { index: 0, text: "lr=0.1,kind.of=a b", axes: axes("0.1", "a b") },
        { index: 1, text: "lr=,kind.of=x,lr=$(POOL_TASK)", axes: axes("", "x,lr=$(POOL_TASK)") },
      ],
      script: 'echo "$POOL_ITEM|$POOL_ITEM_LR|$POOL_ITEM_KIND_OF" > $POOL_RESULT',
    });
    expect(resultsOf(run)).toEqual(["lr=0.1,kind.of=a b|0.1|a b", "lr=,kind.of=x,lr=$(POOL_TASK)||x,lr=$(POOL_TASK)"]);
  });

  const strange = [
    "",
    " two  spaces ",
    "'single' \"double\" `back`",
    "$HOME $$ ${PATH} $(POOL_ITEM) $$(POOL_ITEM) $(rm -rf /)",
    "back\\slash \\n \\\\",
    "*.? [a-z] ~ # ; & | < > ( ) { }",
    "tab\there",
    "-n",
    "ünïcödé €  日本 😀",
    "=>#1.~+!",
    "x".repeat(1000),
  ];

  test("an item arrives as it is, and a result goes back as it is, whatever characters are in them", async () => {
    const run = await runShard(shell, { items: itemsOf(strange), script: echoItem });
    expect(resultsOf(run)).toEqual(strange);
  });

  test("a result may have several lines, also empty ones; only its last line break is not part of it", async () => {
    const texts = ["a\\nb\\n", "a\\nb", "\\n", "\\n\\n", "a\\n\\nb\\n\\n", ">x\\n.\\n#1\\n"];
    const run = await runShard(shell, { items: itemsOf(texts), script: 'printf "$POOL_ITEM" > $POOL_RESULT' });
    expect(resultsOf(run)).toEqual(["a\nb", "a\nb", "", "\n", "a\n\nb\n", ">x\n.\n#1"]);
  });

  test("a program that writes nothing has no result, which is not the same as an empty one", async () => {
    const run = await runShard(shell, { items: itemsOf(["true", "echo > $POOL_RESULT"]), script: 'eval "$POOL_ITEM"' });
    expect(recordsOf(run).map((record) => "result" in record)).toEqual([false, true]);
    expect(resultsOf(run)).toEqual([undefined, ""]);
  });

  test("a program may replace the file of its result, and not disturb the next one", async () => {
    const script = `echo $POOL_INDEX > $POOL_RESULT.new; mv $POOL_RESULT.new $POOL_RESULT`;
    expect(resultsOf(await runShard(shell, { items: itemsOf(["a", "b"]), script }))).toEqual(["0", "1"]);
  });

  test("a failed item fails only itself, and says why: the exit status and the tail of stderr", async () => {
    const script =
      '[ "$POOL_ITEM" != bad ] || { echo ignored > $POOL_RESULT; printf "one\\nno such input\\n" >&2; exit 3; }';
    const run = await runShard(shell, { items: itemsOf(["good", "bad", "good"]), script: `${script}; ${echoItem}` });
    expect(run.exit).toBe(1);
    expect(recordsOf(run)).toMatchObject([
      { exit: 0, result: "good" },
      { exit: 3, message: "one\nno such input" },
      { exit: 0, result: "good" },
    ]);
    expect(recordsOf(run)[1]).not.toHaveProperty("result");
    expect(wrapperRecords(run.message)?.ended).toBe(true);
  });

  test("of a long stderr the last 256 bytes are kept, without half a character", async () => {
    const script = 'printf %s "$LONG" >&2; exit 1';
    const run = await runShard(shell, { items: itemsOf(["x"]), script, env: { LONG: "€".repeat(2000) } });
    expect(recordsOf(run)[0]?.message).toBe("€".repeat(85));
    expect(run.stderr).toBe("€".repeat(2000));
  });

  test("what the runs print reaches the container's own output", async () => {
    const run = await runShard(shell, {
      items: itemsOf(["1", "2"]),
      script: 'echo "out $POOL_ITEM"; echo "err $POOL_ITEM" >&2',
    });
    expect(run.stdout).toBe("out 1\nout 2\n");
    expect(run.stderr.split("\n").sort()).toEqual(["", "err 1", "err 2"]);
  });

  test("a command that is not there fails each item, with the shell's words", async () => {
    const run = await runShard(shell, { items: itemsOf(["1", "2"]), command: ["no-such-program"] });
    expect(recordsOf(run)).toMatchObject([{ exit: 127 }, { exit: 127 }]);
    expect(recordsOf(run)[0]?.message).toContain("no-such-program");
  });

  test("arguments reach the command one by one, with Kubernetes' expansion in the user's words alone", async () => {
    const run = await runShard(shell, {
      items: itemsOf(["i"]),
      command: [...shell.command, "-c", 'printf "<%s>" "$@" > $POOL_RESULT', "$0"],
      container: { args: ["a b", "", "$(POOL_SHARD)", "$$(POOL_SHARD)", "$(UNKNOWN)", "*"] },
    });
    expect(resultsOf(run)).toEqual(["<a b><><3><$(POOL_SHARD)><$(UNKNOWN)><*>"]);
  });

  test("the command gets an empty standard input and the locale of its image, and nothing of the wrapper's own", async () => {
    const script = 'cat > /dev/null; { echo "[$LC_ALL]"; env | sed -n "/^pool_/p"; } > $POOL_RESULT';
    const some = await runShard(shell, { items: itemsOf(["i"]), script, env: { LC_ALL: "C.UTF-8" } });
    expect(resultsOf(some)).toEqual(["[C.UTF-8]"]);
    expect(resultsOf(await runShard(shell, { items: itemsOf(["i"]), script }))).toEqual(["[]"]);
  });

  test("times are measured: the run's own, and the gap before it", async () => {
    const run = await runShard(shell, { items: itemsOf(["0.5", "0"]), script: "sleep $POOL_ITEM" });
    const [first, second] = recordsOf(run);
    expect(first?.ms).toBeGreaterThanOrEqual(490);
    expect(second?.ms).toBeLessThan(490);
    expect(second?.gapMs).toBeLessThan(490);
  });

  describe("the room for records", () => {
    const long = (bytes: number) => `head -c ${bytes} /dev/zero | tr "\\0" "$POOL_ITEM" > $POOL_RESULT`;

    test("what no longer fits is handed back by having no record, and is not run where that can be foreseen", async () => {
      const items = itemsOf(["a", "b", "c", "d", "e", "f"]);
      const run = await runShard(shell, { items, script: `echo "run $POOL_ITEM"; ${long(1000)}` });
      expect(run.exit).toBe(0);
      expect(run.messageBytes).toBeLessThanOrEqual(4096);
      expect(resultsOf(run)).toEqual(["a", "b", "c", "d"].map((letter) => letter.repeat(1000)));
      expect(wrapperRecords(run.message)?.ended).toBe(true);
      expect(run.stdout).not.toContain("run e");
    });

    test("an item that was run but whose result does not fit counts as not run", async () => {
      const items = itemsOf(["a", "b", "c"]);
      const script = `[ $POOL_ITEM = a ] && n=100 || n=4000; head -c $n /dev/zero | tr "\\0" $POOL_ITEM > $POOL_RESULT`;
      const run = await runShard(shell, { items, script });
      expect(run.exit).toBe(0);
      expect(resultsOf(run)).toEqual(["a".repeat(100)]);
      expect(wrapperRecords(run.message)?.ended).toBe(true);
    });

    test("only a single result that is too long by itself is cut, and says so, without half a character", async () => {
      const script = 'printf %s "$LONG" > $POOL_RESULT';
      const run = await runShard(shell, { items: itemsOf(["a", "b"]), script, env: { LONG: "€".repeat(3000) } });
      const records = recordsOf(run);
      expect(records).toHaveLength(1);
      expect(records[0]).toMatchObject({ truncated: true, exit: 0 });
      expect(records[0]?.result).toMatch(/^€+$/);
      expect(run.messageBytes).toBeLessThanOrEqual(4096);
      expect(Buffer.byteLength(records[0]?.result ?? "")).toBeGreaterThan(4000);
    });

    test("a long result of many short lines stays within the room as well", async () => {
      const script = 'printf %s "$LONG" > $POOL_RESULT';
      const run = await runShard(shell, { items: itemsOf(["a"]), script, env: { LONG: "\n".repeat(3000) } });
      expect(run.messageBytes).toBeLessThanOrEqual(4096);
      expect(recordsOf(run)[0]?.truncated).toBe(true);
    });

    test("a failure is told in fewer words, rather than not at all, where room is short", async () => {
      // Records of a little over 100 bytes until there is room for another one of these, hardly for 256 bytes more; how
      // many that are depends on how many digits the run times have.
      const items = itemsOf(Array.from({ length: 40 }, (_, n) => `${n}`));
      const script = `[ "$(wc -c <"\${POOL_RESULT%/scratch/*}/records")" -lt 3845 ] &&
          { printf %s "$SOME" > $POOL_RESULT; exit 0; }
        printf "%s\\nend\\n" "$MORE" >&2; exit 9`;
      const run = await runShard(shell, { items, script, env: { SOME: "a".repeat(100), MORE: "x".repeat(250) } });
      expect(run.messageBytes).toBeLessThanOrEqual(4096);
      const failed = recordsOf(run).filter(({ exit }) => exit !== 0);
      expect(failed).toMatchObject([{ exit: 9, message: expect.stringMatching(/end$/) }]);
      expect(recordsOf(run).length).toBeGreaterThan(30);
    });

    test("is counted in bytes, also where the image's locale makes shells count characters", async () => {
      const script = 'printf %s "$LONG" > $POOL_RESULT';
      const env = { LC_ALL: "C.UTF-8", LONG: "€".repeat(500) };
      const run = await runShard(shell, { items: itemsOf(["a", "b", "c"]), script, env });
      expect(run.messageBytes).toBeLessThanOrEqual(4096);
      expect(resultsOf(run)).toEqual([env.LONG, env.LONG]);
    });

    test("a Pod of many containers leaves less room, and the wrapper keeps to it", async () => {
      const initContainers = Array.from({ length: 5 }, (_, n) => ({ name: `init-${n}`, image: "x" }));
      const run = await runShard(shell, {
        items: itemsOf(["a", "b", "c"]),
        script: long(900),
        pod: { initContainers },
      });
      expect(run.messageBytes).toBeLessThanOrEqual(2048);
      expect(resultsOf(run)).toEqual(["a".repeat(900), "b".repeat(900)]);
    });
  });

  describe("when the container is ended half-way", () => {
    const script = `[ $POOL_ITEM != slow ] || trap "echo told; kill \\$!; exit 0" TERM
      echo "at $POOL_ITEM"
      [ $POOL_ITEM != slow ] || { sleep 60 & wait; }
      echo done > $POOL_RESULT`;

    test("SIGTERM reaches the running command, whose item does not count, nor is the next one started", async () => {
      const shard = new ShardProcess(shell, { items: itemsOf(["quick", "slow", "never"]), script });
      await shard.says("at slow");
      shard.child.kill("SIGTERM");
      const run = await shard.ended;
      expect(run.exit).toBe(143);
      expect(run.stdout).toBe("at quick\nat slow\ntold\n");
      expect(resultsOf(run)).toEqual(["done"]);
      expect(wrapperRecords(run.message)?.ended).toBe(false);
    });

    test("after SIGKILL the records that were complete are there", async () => {
      const shard = new ShardProcess(shell, { items: itemsOf(["quick", "quick", "slow"]), script });
      await shard.says("at slow");
      shard.child.kill("SIGKILL");
      const run = await shard.ended;
      expect(resultsOf(run)).toEqual(["done", "done"]);
      expect(wrapperRecords(run.message)?.ended).toBe(false);
    });
  });

  test("what an item leaves running holds up neither the next item nor the end", async () => {
    const script = "[ $POOL_ITEM != leaves ] || { sleep 60 & exit 4; }; echo $POOL_ITEM > $POOL_RESULT";
    const started = performance.now();
    const run = await runShard(shell, { items: itemsOf(["leaves", "a", "b"]), script });
    expect(recordsOf(run).map(({ exit, result }) => result ?? exit)).toEqual([4, "a", "b"]);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("a scratch directory that cannot be written is said on stderr, with a status of its own", async () => {
    const run = await runShard(shell, { items: itemsOf(["a"]), script: "true", withoutScratch: true });
    expect(run).toMatchObject({ exit: 73, message: "" });
    expect(run.stderr).toContain("kube-pool: cannot create files in ");
  });

  test("the wrapper costs milliseconds an item", async () => {
    const items = itemsOf(Array.from({ length: 30 }, (_, n) => String(n)));
    const started = performance.now();
    const run = await runShard(shell, { items, command: ["true"] });
    const perItemMs = (performance.now() - started) / recordsOf(run).length;
    expect(recordsOf(run)).toHaveLength(30);
    // Measured: 3 to 6 ms on two busy cores. The bound only tells that from a second's wait in each round.
    expect(perItemMs).toBeLessThan(300);
  });
});
