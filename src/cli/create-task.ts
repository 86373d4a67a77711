// Creates the task of `map`, and where its items are too many for it, the ConfigMaps that hold them: all or nothing.
import { isAlreadyExists, type KubeApi, type Manifest } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { cutIntoTexts, fitInTask } from "./items.ts";
import { configMaps, pooledTasks } from "./kinds.ts";
import {
  generatedName,
  itemsManifest,
  itemsName,
  type MapRequest,
  ownerReference,
  taskManifest,
} from "./map-manifest.ts";
import type { Terminal } from "./terminal.ts";
import { Refusal } from "./usage-error.ts";
import type { Session } from "./verb.ts";

/** What the command line says; the namespace comes with the cluster. */
export type UnnamedRequest = Omit<MapRequest, "namespace" | "name"> & { readonly name: string | undefined };

export async function createTask(
  api: KubeApi,
  request: UnnamedRequest & { readonly namespace: string },
  items: readonly string[],
  { random, terminal }: Session,
): Promise<PooledTask> {
  // A generated name that is taken is drawn anew; one that the user chose is the user's to change.
  for (let draws = 1; ; draws++) {
    const named = { ...request, name: request.name ?? generatedName(random) };
    try {
      if (fitInTask(items)) return await api.create(pooledTasks, taskManifest(named, items));
      return await createWithTexts(api, named, cutIntoTexts(items), terminal);
    } catch (error) {
      if (!isAlreadyExists(error) || request.name !== undefined || draws === 5) throw error;
    }
  }
}

/** The ConfigMaps come first, since a task without them could not run, and are given to the task once it is there. */
async function createWithTexts(
  api: KubeApi,
  request: MapRequest,
  texts: readonly string[],
  terminal: Terminal,
): Promise<PooledTask> {
  const { namespace } = request;
  const created: Manifest["metadata"][] = [];
  const remove = async (): Promise<void> => {
    for (const { name, uid } of created) {
      await api.delete(configMaps, { namespace, name }, uid === undefined ? {} : { uid }).catch(() => undefined);
    }
  };
  let task: PooledTask;
  try {
    for (const [number, text] of texts.entries()) {
      if (terminal.interrupted.aborted) throw new Refusal("interrupted before the task was created");
      created.push((await api.create(configMaps, itemsManifest(request, number, text))).metadata);
    }
    task = await api.create(pooledTasks, taskManifest(request, texts.length));
  } catch (error) {
    await remove();
    throw error;
  }
  const body = { metadata: { ownerReferences: [ownerReference(task)] } };
  for (const number of texts.keys()) {
    const name = itemsName(request.name, number);
    await api.patch(configMaps, { namespace, name }, { type: "merge", body }).catch((error: unknown) => {
      const words = error instanceof Error ? error.message : String(error);
      terminal.stderr.write(`Warning: the ConfigMap ${name} will stay when the task is deleted: ${words}\n`);
    });
  }
  return task;
}
