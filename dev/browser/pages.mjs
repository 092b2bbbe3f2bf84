// Every page of the console over the demo: there, in both languages, narrow and wide, light and
// dark, without scripts, and accessible.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accessible, fits, picture, reader } from "./harness.mjs";

const PAGES = [
  "/", "/findings", "/findings?view=groups", "/alerts", "/resources", "/controls", "/frameworks",
  "/frameworks/checklist", "/accounts", "/logs", "/access", "/cost", "/routes", "/settings",
];

export function pages(demo) {
  describe("the console over the demo", () => {
    test("every page is there, fits, and is accessible, in both languages", async (t) => {
      const problems = [];
      for (const [lang, width, dark] of [["en", 1400, false], ["ja", 1400, true], ["ja", 390, false], ["en", 390, true]]) {
        const page = await reader(t, demo.browser, { lang, width, dark });
        for (const path of PAGES) {
          const name = `${lang}-${width}-${dark ? "dark" : "light"}${path.replace(/[^a-z]+/g, "-")}`;
          const answer = await page.goto(demo.address + path);
          assert.equal(answer.status(), 200, `${path} in ${lang}`);
          assert.equal(await page.getAttribute("html", "lang"), lang);
          assert.equal(await page.locator("h1").count(), 1, `${path} has one title`);
          await picture(page, name);
          for (const holds of [fits, accessible]) {
            await holds(page, name).catch((problem) => problems.push(problem.message));
          }
        }
      }
      assert.equal(problems.length, 0, problems.join("\n\n"));
    });

    test("every page reads without scripts", async (t) => {
      const page = await reader(t, demo.browser, { scripts: false });
      for (const path of PAGES) {
        assert.equal((await page.goto(demo.address + path)).status(), 200, path);
        assert.ok((await page.locator("main").innerText()).length > 40, `${path} says something`);
      }
    });

    test("no word is missing", async (t) => {
      for (const lang of ["en", "ja"]) {
        const page = await reader(t, demo.browser, { lang });
        for (const path of PAGES) {
          await page.goto(demo.address + path);
          const bare = (await page.locator("body").innerText()).match(/\bconsole(_[a-z]+)?\.[a-z_]+(\.[a-z_]+)*/g);
          assert.equal(bare, null, `${path} in ${lang} shows keys: ${bare}`);
        }
      }
    });

    test("language and looks stay as chosen", async (t) => {
      const page = await reader(t, demo.browser, { lang: "en" });
      await page.goto(`${demo.address}/findings`);
      await page.getByRole("button", { name: "日本語" }).click();
      assert.equal(await page.getAttribute("html", "lang"), "ja");
      assert.match(page.url(), /\/findings/);
      await page.getByRole("button", { name: "ダーク" }).click();
      assert.equal(await page.getAttribute("html", "data-theme"), "dark");
      await page.goto(demo.address);
      assert.equal(await page.getAttribute("html", "lang"), "ja");
      assert.equal(await page.getAttribute("html", "data-theme"), "dark");
  });
  });
}
