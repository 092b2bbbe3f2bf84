// Settings as people use them: a second factor (its secret read from the page, codes computed here),
// people added, changed and locked, tokens made, used and taken back, one's own password, language
// and sessions; narrow and wide, in both languages.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createHmac } from "node:crypto";
import { accessible, answers, browser, fits, folder, freePort, picture, reader, start } from "./harness.mjs";

const PASSWORD = "a long enough pass phrase 47";
const OTHER = "quite another pass phrase 48";
const STEP_SECONDS = 30;

/** The code of a secret in base 32 some steps from now (RFC 6238). */
function codeOf(secret, steps = 0) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / STEP_SECONDS) + steps));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = digest.at(-1) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

describe("settings", () => {
  let address;
  let program;
  let launched;
  const hooks = [];
  const suite = { after: (hook) => hooks.push(hook) };

  const primary = (page) => page.locator("main form button.primary");
  const told = (page) => page.locator("main .told").first().innerText();

  /** Types name and password; answers the page that follows. */
  async function type(page, name, password = PASSWORD) {
    await page.goto(`${address}/sign-in?next=/settings/profile`);
    await page.fill("#name", name);
    await page.fill("#password", password);
    await primary(page).click();
    await page.waitForLoadState();
  }

  /** Somebody new with a password; made by the administrator through the pages. */
  async function added(t, name, role, accounts = "") {
    const admin = await reader(t, launched);
    await type(admin, "watanabe");
    await admin.goto(`${address}/settings/people`);
    await admin.fill("#name", name);
    await admin.selectOption("#role", role);
    await admin.fill("#accounts", accounts);
    await primary(admin).click();
    const link = await admin.locator("#setup-link").innerText();
    const page = await reader(t, launched);
    await page.goto(link.trim());
    await page.fill("#password", PASSWORD);
    await page.fill("#again", PASSWORD);
    await primary(page).click();
    await page.waitForURL(/sign-in\?told=password_set/);
    return admin;
  }

  /** Looks at the page as it is, narrow and wide, in both languages, by somebody's own cookies. */
  async function looked(t, page, path, name, open = async () => {}) {
    const cookies = await page.context().cookies();
    for (const [lang, width] of [["en", 1400], ["ja", 390]]) {
      const other = await reader(t, launched, { lang, width });
      await other.context().addCookies(cookies);
      await other.goto(address + path);
      await open(other);
      await picture(other, `${name}-${lang}-${width}`);
      await fits(other, `${name} in ${lang}`);
      await accessible(other, `${name} in ${lang}`);
    }
  }

  before(async () => {
    const data = await folder(suite);
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    program = start(suite, ["--data-dir", data, "serve", "--listen", `127.0.0.1:${port}`]);
    await answers(`${address}/healthz`, program);
    launched = await browser(suite);
    const link = program.said.text.match(/http:\/\/\S+\/first\?token=[^\s"'\\]+/)?.[0];
    assert.ok(link, program.said.text);
    const page = await reader(suite, launched);
    await page.goto(link);
    await page.fill("#name", "watanabe");
    await page.fill("#password", PASSWORD);
    await page.fill("#again", PASSWORD);
    await primary(page).click();
    await page.waitForURL(/settings\/profile/);
  });
  after(async () => {
    for (const hook of hooks.reverse()) await hook();
  });

  test("a second factor is turned on, asked for, used once, and recovered", async (t) => {
    await added(t, "tanaka", "viewer");
    const page = await reader(t, launched);
    await type(page, "tanaka");
    await page.waitForURL(/settings\/profile/);
    const factor = page.locator('section[aria-labelledby="factor"]');
    await factor.locator("summary").click();
    await looked(t, page, "/settings/profile", "factor-off", (other) =>
      other.locator('section[aria-labelledby="factor"] summary').click());
    const secret = await factor.locator("code").first().innerText();
    assert.match(secret, /^[A-Z2-7]{32}$/);
    assert.ok(await factor.locator("svg.qr[aria-label]").count() === 1, "a picture for phones");

    await page.fill("#code", "000000");
    await page.fill("#current-on", PASSWORD);
    await factor.locator("button.primary").click();
    assert.match(await told(page), /code/i);
    assert.equal(await factor.locator("code").first().innerText(), secret, "nobody scans it twice");
    assert.ok(await page.locator("#code").isVisible(), "the form is open still");
    await page.fill("#code", codeOf(secret));
    await page.fill("#current-on", PASSWORD);
    await factor.locator("button.primary").click();
    const recovery = (await page.locator("#recovery-codes").innerText()).trim().split("\n");
    assert.equal(recovery.length, 10);
    assert.ok(recovery.every((code) => /^[a-z2-9]{5}-[a-z2-9]{5}$/.test(code)), recovery.join());
    await picture(page, "factor-codes-en");
    await accessible(page, "recovery codes");
    await looked(t, page, "/settings/profile", "factor-on");
    assert.ok(!(await page.goto(`${address}/settings/profile`).then(() => page.content())).includes(secret));

    const second = async (lang, code) => {
      const other = await reader(t, launched, { lang, width: lang === "ja" ? 390 : 1400 });
      await type(other, "tanaka");
      assert.match(other.url(), /\/sign-in\/code/);
      assert.equal((await other.goto(`${address}/settings/profile`)).url().includes("/sign-in"), true, "half in is outside");
      await other.goto(`${address}/sign-in/code`);
      await accessible(other, "code");
      await picture(other, `code-${lang}`);
      await other.fill("#code", code);
      await primary(other).click();
      await other.waitForLoadState();
      return other;
    };
    const wrong = await second("ja", "000000");
    assert.match(await wrong.locator("main [role=alert]").innerText(), /コード/);
    await picture(wrong, "code-wrong-ja");
    // The code of the step in which it was turned on is used; the next one's is not.
    const code = codeOf(secret, 1);
    const right = await second("en", code);
    assert.match(right.url(), /\/settings\/profile/);
    const again = await second("en", code);
    assert.match(again.url(), /\/sign-in\/code/, "a code is used once");
    assert.match(await again.locator("main [role=alert]").innerText(), /used/);
    const recovered = await second("en", recovery[0].toUpperCase());
    assert.match(recovered.url(), /\/settings\/profile/);
    assert.match(await recovered.locator('section[aria-labelledby="factor"]').innerText(), /\b9\b/);
    const twice = await second("ja", recovery[0]);
    assert.match(twice.url(), /\/sign-in\/code/, "a recovery code is used once");

    recovered.on("dialog", (dialog) => dialog.accept());
    await recovered.fill("#current-off", PASSWORD);
    await recovered.locator('form[action="/settings/profile/factor/remove"] button').click();
    await recovered.waitForURL(/told=factor_off/);
    const page2 = await reader(t, launched);
    await type(page2, "tanaka");
    assert.match(page2.url(), /\/settings\/profile/);
  });

  test("people are added, changed, locked and unlocked", async (t) => {
    const admin = await added(t, "suzuki", "viewer", "111122223333");
    await picture(admin, "people-link-en");
    await accessible(admin, "people with a link");
    const theirs = await reader(t, launched);
    await type(theirs, "suzuki");
    assert.match(await theirs.locator("main").innerText(), /111122223333/);
    assert.equal((await theirs.goto(`${address}/settings/people`)).status(), 403);

    await admin.goto(`${address}/settings/people`);
    const row = admin.locator("main tbody tr", { hasText: "suzuki" });
    await row.locator("summary").click();
    await row.locator("select").selectOption("analyst");
    await row.locator('input[name="accounts"]').fill("111122223333, 444455556666");
    await looked(t, admin, "/settings/people", "people", (other) =>
      other.locator("main tbody tr", { hasText: "suzuki" }).locator("summary").click());
    await row.locator("details button").click();
    await admin.waitForURL(/told=role/);
    assert.match(await row.innerText(), /Analyst · 111122223333, 444455556666/);
    await theirs.goto(`${address}/settings/profile`);
    assert.match(theirs.url(), /\/sign-in/, "another role is another session");

    await row.getByRole("button", { name: /Disable/ }).click();
    await admin.waitForURL(/told=disabled/);
    await type(theirs, "suzuki");
    assert.match(await theirs.locator("main [role=alert]").innerText(), /wrong/i);
    await row.getByRole("button", { name: /Enable/ }).click();
    await admin.waitForURL(/told=enabled/);
    await type(theirs, "suzuki");
    assert.match(theirs.url(), /\/settings\/profile/);

    await admin.fill("#name", "suzuki");
    await primary(admin).click();
    assert.match(await told(admin), /name/i, "nobody has a name twice");
    const own = admin.locator("main tbody tr", { hasText: "watanabe" });
    await own.getByRole("button", { name: /Disable/ }).click();
    assert.match(await told(admin), /administrator/i, "the last one stays");
    await admin.goto(`${address}/settings/audit`);
    const record = await admin.locator("main").innerText();
    for (const action of ["people.add", "people.role", "people.disabled", "people.enabled"]) {
      assert.ok(record.includes(action), action);
    }
    await looked(t, admin, "/settings/audit", "audit");
  });

  test("a token is made, opens what it was made for, and is taken back", async (t) => {
    const admin = await reader(t, launched, { lang: "ja", width: 390 });
    await type(admin, "watanabe");
    await admin.goto(`${address}/settings/tokens`);
    await fits(admin, "tokens");
    await admin.fill("#name", "ci");
    await admin.check('input[value="findings:read"]');
    await primary(admin).click();
    const token = (await admin.locator("#token").innerText()).trim();
    assert.match(token, /^yagura_[\w-]{43}$/);
    await picture(admin, "token-made-ja-390");
    await accessible(admin, "a token that was made");
    const ask = async (path, method = "GET") => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await fetch(address + path, { method, headers, body: method === "POST" ? "{}" : undefined, redirect: "manual" });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await ask("/api/v1/findings"), 200);
    for (const path of ["/api/v1/resources", "/api/v1/query/tables", "/api/v1/audit", "/settings/tokens", "/"]) {
      assert.equal(await ask(path), 403, path);
    }
    assert.equal(await ask("/api/v1/jobs", "POST"), 403);
    await looked(t, admin, "/settings/tokens", "tokens");
    const page = await admin.goto(`${address}/settings/tokens`).then(() => admin.content());
    assert.ok(!page.includes(token), "it is shown once");
    admin.on("dialog", (dialog) => dialog.accept());
    await admin.locator('form[action$="/revoke"] button').click();
    await admin.waitForURL(/told=revoked/);
    assert.equal(await ask("/api/v1/findings"), 401);
  });

  test("one's own password, language and sessions", async (t) => {
    await added(t, "sato", "analyst");
    const elsewhere = await reader(t, launched, { lang: "ja" });
    await type(elsewhere, "sato");
    const page = await reader(t, launched, { width: 390 });
    await type(page, "sato");
    const change = async (current, fresh, again = fresh) => {
      await page.fill("#current", current);
      await page.fill("#password", fresh);
      await page.fill("#again", again);
      await page.locator('form[action="/settings/profile/password"] button').click();
      await page.waitForLoadState();
    };
    await change("wrong wrong wrong", OTHER);
    assert.match(await told(page), /wrong|not/i);
    await change(PASSWORD, OTHER, `${OTHER}x`);
    assert.match(await told(page), /differ/i);
    assert.equal((await elsewhere.goto(`${address}/settings/profile`)).url(), `${address}/settings/profile`);
    await change(PASSWORD, OTHER);
    assert.match(page.url(), /told=password/);
    assert.match((await elsewhere.goto(`${address}/settings/profile`)).url(), /\/sign-in/, "the others are out");
    await type(elsewhere, "sato");
    assert.match(elsewhere.url(), /\/sign-in/, "the old one is worth nothing");
    await type(elsewhere, "sato", OTHER);
    assert.match(elsewhere.url(), /\/settings\/profile/);

    await page.goto(`${address}/settings/profile`);
    await page.selectOption("#lang", "ja");
    await page.fill("#zone", "Asia/Tokyo");
    await page.locator('form[action="/settings/profile"] button').click();
    await page.waitForURL(/told=kept/);
    assert.equal(await page.getAttribute("html", "lang"), "ja", "whatever the browser speaks");
    await page.fill("#zone", "Asia/Tokio");
    await page.locator('form[action="/settings/profile"] button').click();
    assert.ok(await page.locator("main .told.bad").count() === 1, "there is no such zone");
    await picture(page, "profile-ja-390");
    await fits(page, "profile");

    await page.goto(`${address}/settings/profile`);
    await page.locator('form:has(input[value="others"]) button').click();
    await page.waitForURL(/told=sessions/);
    assert.match((await elsewhere.goto(`${address}/settings/profile`)).url(), /\/sign-in/);
    assert.equal((await page.goto(`${address}/settings/profile`)).url(), `${address}/settings/profile`, "this one stays");
    await page.locator("details.menu > summary").click();
    await page.locator('form[action="/sign-out"] button').click();
    await page.waitForURL(/told=signed_out/);
    await page.goBack();
    assert.ok(!(await page.locator("body").innerText()).includes("Asia/Tokyo"), "nothing is kept behind");
    assert.match((await page.goto(`${address}/settings/profile`)).url(), /\/sign-in/);
  });
});
