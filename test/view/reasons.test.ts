import { expect, test } from "vitest";
import { stallReasons, waitReasons } from "../../src/scheduling/decision.ts";
import { whatHelps, whatHelpsAgainst } from "../../src/view/reasons.ts";

test("every reason has a sentence on what helps, and no sentence is without its reason", () => {
  expect(Object.keys(whatHelps).sort()).toEqual([...waitReasons, ...stallReasons].sort());
});

test("each is short and ends as a sentence", () => {
  for (const sentence of Object.values(whatHelps)) {
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(sentence.length).toBeLessThanOrEqual(140);
  }
});

// Of the messages that a reason can have, those that one answer for the reason's usual case would contradict.
test.each([
  [
    "Suspended",
    "spec.suspend of Job work-round-0 is true; set it to false to go on",
    /the field that the message names/,
  ],
  ["PoolNotReady", "none of the 2 nodes of lab can take a shard: 2 cordoned, 0 not ready", /its nodes/],
  ["PoolStopped", "ResourcePool lab, above students, has spec.stopPolicy Stop", /the pool that the message names/],
  [
    "BehindOthers",
    "large waits for room, and nobody passes (a pool ordered by FairShare)",
    /Where the pool's order has/,
  ],
  ["HeldForHead", "a start now would delay large (itemTimeoutSeconds cannot be changed)", /A new task/],
  ["LimitReached", "the limit of students is 3 cpu, too little even once all its shards have ended", /raise its limit/],
  ["PoolFull", "each shard asks for 2 cpu (the template cannot be changed)", /a new task that asks for less/],
  ["NoNodeFits", "the one node of lab that it may use is cordoned, not ready or tainted", /open closed nodes/],
  [
    "NoNodeFits",
    "lab has at most 2 cpu on one node, even once all shards of the pool have ended",
    /end Pods of others/,
  ],
  ["ParallelismReached", "1 of at most 1 shards hold a place (no spec.parallelism)", /after a refusal/],
  ["QuotaRefused", "failed quota: small: must specify limits.cpu for: main", /must specify needs a new task/],
  ["AdmissionRefused", "the Pod must run as non-root", /lacks needs a new task/],
  ["Starting", "InvalidImageName: couldn't parse image name; this does not get better by itself", /^Wait, unless/],
  ["NeverFits", "each shard asks for 2 cpu; the limit of students is 1 cpu", /the limit/],
  ["NeverFits", "no node of lab matches its node selector and affinity", /one that matches/],
  ["NeverFits", "has a taint that its template does not tolerate: maintenance:NoSchedule", /taint taken off/],
  ["ItemsInvalid", "spec.items.configMapRefs: item 1: is 40000 bytes long", /Mend the ConfigMap/],
  ["ItemsInvalid", "spec.chunk.size: 1000000 items in chunks of 1 make 1000000 shards", /chunks/],
  ["TemplateRefused", "spec.template.spec.containers: is missing; give an array", /mended or left out/],
  ["TaskInvalid", "spec.minParallelism: is over parallelism; raise parallelism", /where it cannot be changed/],
  [
    "NameTaken",
    "Pod work-0-1 has a name that this task needs (names do not change)",
    /^Delete .* anew under another name/,
  ],
  ["DependencyMissing", "ConfigMap inputs has no key names, or is not there", /the key of it/],
] as const)("what helps against %s holds too where it says: %s", (reason, _, words) => {
  expect(whatHelps[reason]).toMatch(words);
});

test("a word that is no reason has none, not even one that every object has", () => {
  expect(whatHelpsAgainst("PoolFull")).toContain("Wait");
  expect(whatHelpsAgainst("constructor")).toBeUndefined();
});
