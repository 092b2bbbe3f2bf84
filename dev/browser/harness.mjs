// Starts the program and a browser, and gives them to tests: pages in either language, screenshots,
// and what axe finds. What is tested stands in the *.test.mjs files.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const artifacts = process.env.YAGURA_ARTIFACTS ?? "../../target/browser";

/** A variable that the chore sets. */
function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run these tests by \`cargo xtask browser\``);
  return value;
}

/** A port on loopback that nothing listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** An empty folder that is gone after the tests. */
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "yagura-browser-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Starts the program; it is told to stop after the tests. Answers what it says, as it says it. */
export function start(t, args, env = {}) {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("YAGURA_") && !name.startsWith("AWS_")),
  );
  const child = spawn(setting("YAGURA_PROGRAM"), args, {
    env: { ...clean, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { text: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => { said.text += text; });
  }
  const ended = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGTERM"); await ended; });
  return { child, said, ended };
}

/** Waits until an address answers, or the program has ended. */
export async function answers(address, program, milliseconds = 240_000) {
  const until = Date.now() + milliseconds;
  let ended = false;
  program.ended.then(() => { ended = true; });
  while (Date.now() < until) {
    assert.ok(!ended, `the program ended:\n${program.said.text}`);
    try {
      const answer = await fetch(address, { redirect: "manual" });
      await answer.arrayBuffer();
      if (answer.status < 500) return;
    } catch { /* not yet */ }
    await new Promise((later) => setTimeout(later, 100));
  }
  assert.fail(`${address} does not answer:\n${program.said.text}`);
}

/** A browser for a whole file of tests. */
export async function browser(t) {
  const launched = await chromium.launch({
    executablePath: setting("YAGURA_CHROMIUM"),
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
  t.after(() => launched.close());
  return launched;
}

/** A reader: language, width, looks, with or without scripts. Fails on any error of a page. */
export async function reader(t, launched, { lang = "en", width = 1400, dark = false, scripts = true } = {}) {
  const context = await launched.newContext({
    locale: lang === "ja" ? "ja-JP" : "en-US",
    viewport: { width, height: width < 600 ? 844 : 1000 },
    colorScheme: dark ? "dark" : "light",
    javaScriptEnabled: scripts,
    // A content security policy must not keep axe out; that it keeps others out is tested apart.
    bypassCSP: scripts,
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(`a script failed: ${error}`));
  page.on("response", (answer) => {
    assert.ok(answer.status() < 500, `${answer.url()} answered ${answer.status()}`);
  });
  t.after(() => context.close());
  return page;
}

/** Keeps a picture of the page. */
export async function picture(page, name) {
  await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true });
}

/** Fails where axe finds a violation of WCAG 2.2 A or AA. */
export async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  }));
  const told = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\n${nodes.slice(0, 4).map((node) => `  ${node.html}\n    ${node.failureSummary}`).join("\n")}`);
  assert.equal(violations.length, 0, `${name}:\n${told.join("\n")}`);
}

/** Fails where the page is wider than the screen. */
export async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} is ${over} pixels wider than the screen`);
}
