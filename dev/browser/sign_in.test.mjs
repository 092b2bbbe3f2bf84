// Coming in: the first administrator, passwords, a person of one account, a provider of identities
// (oidc-provider, over loopback), going out; and what nobody may see without it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import Provider from "oidc-provider";
import { accessible, answers, browser, folder, freePort, picture, reader, start } from "./harness.mjs";

const PASSWORD = "a long enough pass phrase 47";

/** A provider of identities in which everybody is mori, of the group `security`. */
async function provider(t, redirect) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const oidc = new Provider(issuer, {
    clients: [{ client_id: "yagura", client_secret: "a secret of tests", redirect_uris: [redirect] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["groups", "name"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ["a key of tests"] },
    findAccount: async (_context, id) => ({
      accountId: id,
      claims: async () => ({
        sub: id, email: "mori@hoshimi.example", email_verified: true, name: "Mori", groups: ["security"],
      }),
    }),
  });
  const server = createServer(oidc.callback());
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  t.after(() => new Promise((closed) => { server.closeAllConnections(); server.close(closed); }));
  return issuer;
}

describe("signing in", () => {
  let address;
  let program;
  let launched;
  const hooks = [];
  const suite = { after: (hook) => hooks.push(hook) };

  before(async () => {
    const data = await folder(suite);
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    const issuer = await provider(suite, `${address}/sign-in/provider/callback`);
    await mkdir(join(data, "site"), { recursive: true });
    const config = join(data, "config.toml");
    await writeFile(config, `
[[serve.oidc]]
issuer = "${issuer}"
client-id = "yagura"
client-secret = "env:OIDC_SECRET"
role-claim = "groups"
label = "Hoshimi"
[serve.oidc.roles]
security = "analyst"
`);
    program = start(
      suite,
      ["--data-dir", data, "--config", config, "serve", "--listen", `127.0.0.1:${port}`],
      { OIDC_SECRET: "a secret of tests" },
    );
    await answers(`${address}/healthz`, program);
    launched = await browser(suite);
  });
  after(async () => {
    for (const hook of hooks.reverse()) await hook();
  });

  test("nobody sees anything before", async (t) => {
    const page = await reader(t, launched);
    for (const path of ["/", "/findings", "/settings", "/resources", "/logs"]) {
      await page.goto(address + path);
      assert.match(page.url(), /\/sign-in/, path);
    }
    const answer = await fetch(`${address}/api/v1/findings`);
    assert.equal(answer.status, 401);
    await accessible(page, "sign-in");
    await picture(page, "sign-in");
  });

  test("the printed link makes the first administrator, once", async (t) => {
    const link = program.said.text.match(/http:\/\/\S+\/first\?token=[^\s"'\\]+/)?.[0];
    assert.ok(link, program.said.text);
    const page = await reader(t, launched);
    await page.goto(link);
    await accessible(page, "first");
    await page.fill("#name", "watanabe");
    await page.fill("#password", PASSWORD);
    await page.fill("#again", PASSWORD);
    await page.locator("main form button.primary").click();
    await page.waitForLoadState();
    await page.goto(`${address}/settings`);
    if (/sign-in/.test(page.url())) {
      await page.fill("#name", "watanabe");
      await page.fill("#password", PASSWORD);
      await page.locator("main form button.primary").click();
      await page.waitForLoadState();
    }
    assert.match(await page.locator("body").innerText(), /watanabe/);
    await page.goto(link);
    assert.equal(await page.locator("#again").count(), 0, "the link is worth nothing any more");
  });

  test("a wrong password says nothing about names", async (t) => {
    const page = await reader(t, launched);
    const tried = async (name) => {
      await page.goto(`${address}/sign-in`);
      await page.fill("#name", name);
      await page.fill("#password", "wrong wrong wrong");
      await page.locator("main form button.primary").click();
      await page.waitForLoadState();
      return page.locator("main [role=alert]").innerText();
    };
    assert.equal(await tried("watanabe"), await tried("nobody-here"));
  });

  test("whoever signed in sees the pages, and signs out", async (t) => {
    const page = await reader(t, launched, { lang: "ja" });
    await page.goto(`${address}/findings`);
    await page.fill("#name", "watanabe");
    await page.fill("#password", PASSWORD);
    await page.locator("main form button.primary").click();
    await page.waitForURL(/\/findings/);
    const cookies = await page.context().cookies();
    const session = cookies.find((cookie) => /^(__Host-)?yagura$/.test(cookie.name));
    assert.ok(session?.httpOnly, "no script reads the session");
    assert.ok(["Lax", "Strict"].includes(session.sameSite));
    for (const path of ["/", "/findings", "/resources", "/settings"]) {
      assert.equal((await page.goto(address + path)).status(), 200, path);
      await accessible(page, `empty${path}`);
    }
    await picture(page, "settings-ja");
    await page.locator('form[action="/sign-out"] button').click();
    await page.goto(`${address}/findings`);
    assert.match(page.url(), /\/sign-in/);
  });

  test("a provider of identities lets people in with the role of their group", async (t) => {
    const page = await reader(t, launched);
    await page.goto(`${address}/sign-in`);
    await page.getByRole("link", { name: /Hoshimi/ }).click();
    await page.waitForLoadState();
    await page.fill('input[name="login"]', "mori");
    await page.fill('input[name="password"]', "whatever");
    await page.locator('button[type="submit"]').click();
    await page.waitForLoadState();
    if (page.url().includes("interaction")) {
      await page.locator('button[type="submit"]').click();
      await page.waitForLoadState();
    }
    assert.ok(page.url().startsWith(address), page.url());
    const text = await page.locator("body").innerText();
    assert.match(text, /mori@hoshimi\.example/);
    assert.match(text, /Analyst/);
    const refused = await page.goto(`${address}/settings/people`);
    assert.equal(refused.status(), 403, "an analyst does not look after people");
  });
});
