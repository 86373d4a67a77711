// Builds the two programs that users run, one file each: dist/operator.mjs and dist/kubectl-pool.
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";

const common: BuildOptions = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
};

// Some dependencies are CommonJS and call `require` for Node's own modules.
const requireShim = `import { createRequire as createRequire_ } from "node:module"; const require = createRequire_(import.meta.url);`;

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync("dist", { recursive: true });
await build({
  ...common,
  target: "node22",
  entryPoints: ["src/main.ts"],
  outfile: "dist/operator.mjs",
  banner: { js: requireShim },
  sourcemap: "linked",
});
await build({
  ...common,
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/kubectl-pool",
  banner: { js: requireShim },
  define: { KUBE_POOL_VERSION: JSON.stringify(version) },
});
chmodSync("dist/kubectl-pool", 0o755);
copyFileSync("src/cli/kubectl_complete-pool", "dist/kubectl_complete-pool");
