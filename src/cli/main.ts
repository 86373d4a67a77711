#!/usr/bin/env node
// The program `kubectl-pool`, which kubectl runs as `kubectl pool`.
import "./on-node-20.ts";
import { randomInt } from "node:crypto";
import process from "node:process";
import { systemClock } from "@dsl/kube-operator";
import { runCommandLine } from "./command-line.ts";
import { connect } from "./connect.ts";
import { processTerminal } from "./terminal.ts";

const terminal = processTerminal();
const opened: { close(): void }[] = [];
process.exitCode = await runCommandLine(process.argv.slice(2), {
  terminal,
  clock: systemClock,
  random: () => randomInt(2 ** 32) / 2 ** 32,
  async connect(options) {
    const cluster = await connect(options, terminal.env);
    opened.push(cluster);
    return cluster;
  },
});
for (const { close } of opened) close();
