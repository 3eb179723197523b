// Bundle src/ and static/ into one folder: node build.mjs [--out DIR] [--watch]
//
// The result is what the server embeds: index.html, app.js, app.css and the icon.  The
// build fails when the result outgrows its budget, so that the page stays fast to open.
import { build, context } from "esbuild";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const outAt = process.argv.indexOf("--out");
const out = outAt > 0 ? resolve(process.argv[outAt + 1]) : join(here, "dist");

const kib = 1024;
const budgets = [
  { name: "JavaScript", limit: 70 * kib, holds: (file) => file.endsWith(".js") },
  { name: "CSS", limit: 12 * kib, holds: (file) => file.endsWith(".css") },
  { name: "everything", limit: 300 * kib, holds: () => true },
];

const options = {
  absWorkingDir: here,
  entryPoints: [
    { in: "src/main.tsx", out: "app" },
    { in: "src/app.css", out: "app" },
  ],
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
};

function checkBudgets() {
  const sizes = readdirSync(out).map((file) => ({
    file,
    gz: gzipSync(readFileSync(join(out, file)), { level: 9 }).length,
  }));
  for (const { file, gz } of sizes) {
    console.log(`  ${file.padEnd(12)} ${(gz / kib).toFixed(1).padStart(6)} KiB gzipped`);
  }
  for (const { name, limit, holds } of budgets) {
    const used = sizes.reduce((sum, s) => sum + (holds(s.file) ? s.gz : 0), 0);
    if (used > limit) {
      console.error(
        `dashboard: ${name} is ${(used / kib).toFixed(1)} KiB gzipped, ` +
          `the budget is ${limit / kib} KiB`,
      );
      process.exitCode = 1;
    }
  }
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
cpSync(join(here, "static"), out, { recursive: true });
if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
  checkBudgets();
}
