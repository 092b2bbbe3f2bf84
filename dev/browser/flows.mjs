// What people do in the console, over the demo: find, filter, comment, suppress, act on several,
// look at a resource, ask the logs, ask who can; with scripts and, where it matters, without.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accessible, fits, picture, reader } from "./harness.mjs";

export function flows(demo) {
  describe("working in the console", () => {
    const rows = (page) => page.locator("main tbody tr");
    const act = (page, name) => page.locator(`main button[name="act"][value="${name}"]:visible`).first();

    test("a search narrows the list, and its address can be shared", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/findings`);
      const all = await rows(page).count();
      assert.ok(all > 10, `${all} findings`);
      await page.fill("#q", "orders-debug");
      await page.press("#q", "Enter");
      await page.waitForURL(/q=orders-debug/);
      const some = await rows(page).count();
      assert.ok(some > 0 && some < all, `${some} of ${all}`);
      assert.match(await page.locator("main").innerText(), /orders-debug/);
      const other = await reader(t, demo.browser, { lang: "ja" });
      await other.goto(page.url());
      assert.equal(await rows(other).count(), some);
    });

    test("a search in Japanese finds", async (t) => {
      const page = await reader(t, demo.browser, { lang: "ja" });
      await page.goto(`${demo.address}/findings?q=${encodeURIComponent("暗号化")}`);
      assert.ok(await rows(page).count() > 0);
    });

    test("a filter by severity shows that severity alone", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/findings?severity=critical`);
      const badges = await page.locator("main tbody .badge").allInnerTexts();
      assert.ok(badges.length > 0 && badges.every((text) => /critical/i.test(text)), badges.join());
    });

    test("a finding is commented, then suppressed with owner and reason", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/findings?severity=high`);
      await rows(page).first().locator("a").first().click();
      await page.waitForURL(/\/findings\/[0-9a-f]+/);
      const finding = page.url();
      await page.fill("#text", "Looked at <script>alert(1)</script> & done");
      await act(page, "comment").click();
      assert.match(await page.locator("main").innerText(), /Looked at <script>alert\(1\)<\/script> & done/);
      await accessible(page, "finding");
      await picture(page, "finding");
      await page.evaluate(() => { for (const one of document.querySelectorAll("details")) one.open = true; });
      await page.fill("#until", "2027-01-31");
      await page.fill("#owner", "mori");
      await page.fill("#s-reason", "accepted for the test");
      await page.locator('form:has(#until) button[value="suppress"]').click();
      assert.match(await page.locator("main").innerText(), /Suppressed/);
      assert.match(await page.locator("main").innerText(), /accepted for the test/);
      assert.equal(page.url().split("?")[0], finding.split("?")[0]);
    });

    test("several findings are taken at once", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/findings?severity=medium&state=new`);
      for (const at of [0, 1, 2]) await rows(page).nth(at).locator("input[type=checkbox]").check();
      await act(page, "acknowledge").click();
      await page.waitForLoadState();
      assert.match(await page.locator("main .told").first().innerText(), /3/);
      await page.goto(`${demo.address}/findings?state=acknowledged&severity=medium`);
      assert.ok(await rows(page).count() >= 3);
    });

    test("several findings are taken at once without scripts", async (t) => {
      const page = await reader(t, demo.browser, { scripts: false });
      await page.goto(`${demo.address}/findings?severity=low&state=new`);
      await rows(page).nth(0).locator("input[type=checkbox]").check();
      await act(page, "acknowledge").click();
      assert.match(await page.locator("main .told").first().innerText(), /1/);
    });

    test("a resource tells its properties, relations and history", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/resources?q=orders-debug`);
      await page.locator("main tbody a", { hasText: "orders-debug" }).first().click();
      await page.waitForLoadState();
      const text = await page.locator("main").innerText();
      assert.match(text, /AWS::RDS::DBInstance/);
      assert.match(text, /PubliclyAccessible/);
      assert.ok(await page.locator("main svg").count() > 0, "relations are drawn");
      await accessible(page, "resource");
      await picture(page, "resource");
    });

    test("the logs are asked, with the cost told before", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/logs`);
      await page.fill("#sql", "SELECT action, count(*) AS n FROM cloudtrail GROUP BY 1 ORDER BY n DESC");
      await page.locator('button[value="estimate"]').click();
      await page.waitForLoadState();
      await page.locator("#run").click();
      await page.waitForLoadState();
      const text = await page.locator("main").innerText();
      assert.match(text, /Decrypt|GetSecretValue/, text.slice(0, 2000));
      await accessible(page, "logs");
      await picture(page, "logs");
    });

    test("a mistake in SQL is told with its place", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/logs?do=ask&sql=${encodeURIComponent("SELECT nothing FROM nowhere")}`);
      assert.match(await page.locator("main").innerText(), /nowhere/);
      await accessible(page, "logs-mistake");
    });

    test("the attack of the demo is on the page of alerts, and one can be opened", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/alerts`);
      assert.ok(await page.locator("main svg.chart").count() > 0, "a time line is drawn");
      await page.locator('main a[href^="/alerts/"]').first().click();
      await page.waitForURL(/\/alerts\/[0-9a-f]+/);
      assert.match(await page.locator("main").innerText(), /198\.51\.100\.23|555566667777|666677778888/);
      await accessible(page, "alert");
      await picture(page, "alert");
    });

    test("who would be told of a finding is said, from its page and from the routes", async (t) => {
      for (const [lang, width] of [["en", 1400], ["ja", 390]]) {
        const page = await reader(t, demo.browser, { lang, width });
        await page.goto(`${demo.address}/findings?severity=critical`);
        await rows(page).first().locator("a").first().click();
        await page.waitForURL(/\/findings\/[0-9a-f]+/);
        const title = await page.locator("h1").innerText();
        const id = new URL(page.url()).pathname.split("/").at(-1);
        await page.locator('main a[href^="/routes/explain"]').click();
        await page.waitForURL(/\/routes\/explain\?finding=/);
        assert.ok((await page.locator("main").innerText()).includes(title), title);
        assert.equal(await page.locator("main [role=status]").count(), 1);
        await fits(page, "routes-explain");
        await accessible(page, "routes-explain");
        await picture(page, `routes-explain-${lang}-${width}`);
        await page.goto(`${demo.address}/routes`);
        await page.fill("#explained", id.slice(0, 10));
        await page.press("#explained", "Enter");
        await page.waitForURL(/\/routes\/explain\?finding=/);
        assert.ok((await page.locator("main").innerText()).includes(title), title);
        await page.fill("#finding", "00000000");
        await page.press("#finding", "Enter");
        assert.equal(await page.locator("main [role=alert]").count(), 1, "there is no such finding");
        await picture(page, `routes-explain-none-${lang}-${width}`);
      }
    });

    test("keys go through the list", async (t) => {
      const page = await reader(t, demo.browser);
      await page.goto(`${demo.address}/findings`);
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("x");
      assert.ok(await rows(page).nth(1).locator("input[type=checkbox]").isChecked());
      await page.keyboard.press("/");
      assert.equal(await page.evaluate(() => document.activeElement.id), "q");
    });

    test("a policy of the page keeps foreign scripts out", async (t) => {
      const context = await demo.browser.newContext();
      t.after(() => context.close());
      const page = await context.newPage();
      await page.goto(`${demo.address}/findings`);
      const ran = await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = true";
        document.body.append(script);
        return globalThis.ran === true;
      });
      assert.equal(ran, false);
  });
  });
}
