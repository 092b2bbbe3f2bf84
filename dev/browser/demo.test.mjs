// The console over the demo: started once for all that is looked at and done there.
import { after, before, describe } from "node:test";
import { answers, browser, folder, freePort, start } from "./harness.mjs";
import { flows } from "./flows.mjs";
import { guides } from "./guides.mjs";
import { pages } from "./pages.mjs";

describe("the demo", () => {
  const demo = {};
  const hooks = [];
  const suite = { after: (hook) => hooks.push(hook) };

  before(async () => {
    // Whoever writes tests has one running already.
    demo.address = process.env.YAGURA_DEMO_ADDRESS;
    if (!demo.address) {
      const data = await folder(suite);
      const port = await freePort();
      demo.address = `http://127.0.0.1:${port}`;
      const program = start(suite, ["--data-dir", data, "demo", "--listen", `127.0.0.1:${port}`]);
      await answers(demo.address, program);
    }
    demo.browser = await browser(suite);
  });
  after(async () => {
    for (const hook of hooks.reverse()) await hook();
  });

  pages(demo);
  flows(demo);
  guides(demo);
});
