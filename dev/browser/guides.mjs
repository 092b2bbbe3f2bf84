// The examples of the guides, as they stand in English and Japanese, run by a shell against the
// demo: whoever copies one gets an answer.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const GUIDES = ["api", "mcp"];

/** The blocks of shell in a text that ask over HTTP. */
function blocks(text) {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block)
    .filter((block) => /\bcurl\b/.test(block));
}

/** A block without what whoever follows the guide fills in (a token, an id), and what makes tokens;
 * a key names one request, and each language's is another. */
function filled(block, lang) {
  return block.replace("6f2c1c1e", `key-${lang}`).split("\n").filter((line) => !line.includes("…") && !/^(yagura|export YAGURA=)/.test(line)).join("\n");
}

export function guides(demo) {
  describe("the examples of the guides", () => {
    for (const lang of ["en", "ja"]) {
      for (const guide of GUIDES) {
        test(`${guide} in ${lang}`, async () => {
          const path = new URL(`../../docs/${lang}/src/guides/${guide}.md`, import.meta.url);
          const found = blocks(await readFile(path, "utf8"));
          assert.ok(found.length > 0, `${path} has examples`);
          const list = await fetch(`${demo.address}/api/v1/findings?state=open&limit=50`).then((answer) => answer.json());
          const id = list.items[lang === "en" ? 40 : 41].id;
          for (const block of found) {
            // Each answer ends with a line of its own; an error of HTTP is an error of the shell.
            const script = `set -euo pipefail\ncurl() { command curl --fail-with-body "$@" && echo; }\n${filled(block, lang)}`;
            const env = { PATH: process.env.PATH, YAGURA: demo.address, TOKEN: "none", ID: id };
            const { stdout } = await run("bash", ["--norc", "-c", script], { env }).catch((error) => {
              assert.fail(`${guide} in ${lang}:\n${block}\n${error.stdout}\n${error.stderr}`);
            });
            const answers = stdout.split("\n").filter((line) => line.trim());
            assert.equal(answers.length, block.match(/^\s*curl\b/gm).length, `${block}\n${stdout}`);
            for (const answer of answers) {
              const told = JSON.parse(answer);
              assert.ok(!("error" in told) && told.status !== 404, `${block}\n${answer}`);
              if (Array.isArray(told.items)) assert.ok(told.items.length > 0, `nothing:\n${block}\n${answer}`);
            }
          }
        });
      }
    }
  });
}
