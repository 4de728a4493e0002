// Chromium launcher, and named test steps.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** Starts Chromium with a profile of its own, which `close` removes. */
export async function launch(args = []) {
  const profile = mkdtempSync(join(tmpdir(), "browser-check-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
  context.setDefaultTimeout(30_000);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}

let passed = 0;

export async function step(name, action) {
  await action();
  passed += 1;
  console.log(`ok - ${name}`);
}

/** Prints the number of passed steps. The first failed step ends the program before this. */
export function summary() {
  console.log(`${passed} passed, 0 failed`);
}
