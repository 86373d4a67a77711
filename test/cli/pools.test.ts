// What the command line does with pools: the tree, and starting and stopping them.
import { expect, test } from "vitest";
import { conditions } from "../view/objects.ts";
import { stage } from "./stage.ts";

test("pools stand below their parents", async () => {
  const { run, createPool } = stage();
  await createPool("lab", { conditions: conditions({ Ready: "True" }) });
  await createPool("attic");
  await createPool("staff", undefined, { parentRef: { name: "lab" } });
  await createPool("chairs", undefined, { parentRef: { name: "staff" } });
  await createPool("students", undefined, { parentRef: { name: "lab" } });
  await createPool("lost", undefined, { parentRef: { name: "gone" } });
  await createPool("round", undefined, { parentRef: { name: "about" } });
  await createPool("about", undefined, { parentRef: { name: "round" } });
  const { stdout } = await run(["top"]);
  expect(stdout.split("\n").map((line) => /^ *\S*/.exec(line)?.[0])).toEqual([
    "POOL",
    "attic",
    "lab",
    "  staff",
    "    chairs",
    "  students",
    "lost",
    "about",
    "round",
    "",
  ]);
});

test("stop, drain and start set the pool's stopPolicy and say what that means", async () => {
  const { run, createPool, pool } = stage();
  await createPool("lab", { shards: { waiting: 7, starting: 1, running: 2 } });
  expect((await run(["stop", "lab"])).stdout).toBe("resourcepool/lab stopped: nothing new starts; 3 shards run on\n");
  expect((await pool("lab")).spec.stopPolicy).toBe("Stop");
  expect((await run(["stop", "rpool/lab"])).stdout).toBe("resourcepool/lab is stopped already\n");
  expect((await run(["drain", "lab"])).stdout).toBe("resourcepool/lab drained: 3 shards are being stopped\n");
  expect((await pool("lab")).spec.stopPolicy).toBe("StopAndDrain");
  expect((await run(["start", "lab"])).stdout).toBe("resourcepool/lab started with 7 shards waiting\n");
  expect((await pool("lab")).spec.stopPolicy).toBe("None");
  expect((await run(["start", "lab", "-o", "name"])).stdout).toBe("resourcepool.kube-pool.dev/lab\n");
});

test("a pool that is not there is told, and the others are stopped all the same", async () => {
  const { run, createPool, pool } = stage();
  await createPool("lab");
  const { status, stderr } = await run(["stop", "gone", "lab"]);
  expect(status).toBe(1);
  expect(stderr).toBe("error: there is no ResourcePool gone; `kubectl pool top` lists all\n");
  expect((await pool("lab")).spec.stopPolicy).toBe("Stop");
  expect(await run(["stop"])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("the name of a POOL is missing"),
  });
});
