// The switches, the filters and the pages of the table. Reading works without any of it.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const words = JSON.parse(byId("words").textContent);
  const PAGE = 100;
  // A row: control, standing, severity, account, region, type, key, name, why.
  const [CONTROL, STANDING, SEVERITY, ACCOUNT, REGION, TYPE, KEY, NAME, WHY] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const UNKNOWN = data.standings.findIndex((standing) => standing[0] === "unknown");

  const store = (key, value) => {
    try { if (value === undefined) return localStorage.getItem(key); localStorage.setItem(key, value); }
    catch { /* a page opened from a file may have no storage */ }
    return null;
  };
  const radios = (name) => [...document.querySelectorAll(`input[name="${name}"]`)];
  const lang = () => radios("lang").find((radio) => radio.checked)?.value ?? "en";

  const element = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  };
  const both = (en, ja) => {
    if (en === ja) return document.createTextNode(en);
    const fragment = document.createDocumentFragment();
    for (const [code, text] of [["en", en], ["ja", ja]]) {
      const span = element("span", "", text);
      span.lang = code;
      fragment.append(span);
    }
    return fragment;
  };
  const icon = (state) => {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("class", `i ${state}`);
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(ns, "use");
    use.setAttribute("href", `#i-${state}`);
    svg.append(use);
    return svg;
  };

  const service = (type) => type.split("::")[1] ?? type;
  const services = [...new Set(data.types.map(service))].sort();
  const serviceOf = data.types.map((type) => services.indexOf(service(type)));
  const name = (row) => typeof row[NAME] === "number" ? [...row[KEY]].slice(-row[NAME] || Infinity).join("") : row[NAME];
  const why = (row) => row[STANDING] === UNKNOWN ? data.whys[row[WHY]] : [row[WHY], row[WHY]];
  const texts = new Map();
  const text = (row) => {
    if (!texts.has(row)) {
      const account = data.accounts[row[ACCOUNT]];
      const control = data.controls[row[CONTROL]];
      texts.set(row, [row[KEY], name(row), ...account, ...control, ...why(row), data.types[row[TYPE]]].join("\n").toLowerCase());
    }
    return texts.get(row);
  };

  const controlText = (control) => lang() === "ja" ? control[2] : control[1];
  const filters = {
    standing: { of: (row) => row[STANDING], list: data.standings, show: (s) => lang() === "ja" ? s[2] : s[1], ordered: true },
    severity: { of: (row) => row[SEVERITY], list: data.severities, show: (s) => lang() === "ja" ? s[2] : s[1], ordered: true, worstLast: true },
    account: { of: (row) => row[ACCOUNT], list: data.accounts, show: (a) => a[0] === a[1] ? a[0] : `${a[1]} (${a[0]})` },
    region: { of: (row) => row[REGION], list: data.regions, show: (r) => r },
    service: { of: (row) => serviceOf[row[TYPE]], list: services, show: (s) => s },
    control: { of: (row) => row[CONTROL], list: data.controls, show: controlText },
  };
  let found = data.rows;
  let page = 0;

  const fillSelects = () => {
    for (const [key, filter] of Object.entries(filters)) {
      const select = byId(`f-${key}`);
      const chosen = select.value;
      filter.counts ??= data.rows.reduce((counts, row) => {
        const at = filter.of(row);
        counts[at] = (counts[at] ?? 0) + 1;
        return counts;
      }, {});
      const options = filter.list
        .map((entry, at) => [at, filter.show(entry)])
        .filter(([at]) => filter.counts[at]);
      if (!filter.ordered) options.sort((a, b) => a[1].localeCompare(b[1], lang()));
      if (filter.worstLast) options.reverse();
      select.replaceChildren(new Option(words.any[lang()], ""));
      for (const [at, label] of options) {
        select.add(new Option(`${label} (${filter.counts[at].toLocaleString("en-US")})`, at));
      }
      select.value = chosen;
    }
  };

  const draw = () => {
    const from = page * PAGE;
    const shown = found.slice(from, from + PAGE);
    byId("results-table").tBodies[0].replaceChildren(...shown.map((row) => {
      const [standing, standingEn, standingJa] = data.standings[row[STANDING]];
      const [severity, severityEn, severityJa] = data.severities[row[SEVERITY]];
      const [id, controlEn, controlJa] = data.controls[row[CONTROL]];
      const strong = element("strong", "", name(row));
      strong.title = row[KEY];
      const place = element("span", "meta", `${data.accounts[row[ACCOUNT]][1]} · ${data.regions[row[REGION]]} · ${data.types[row[TYPE]]}`);
      const resource = element("th", "", strong, " ", place);
      resource.scope = "row";
      const target = `c-${id.replace(/[^\p{L}\p{N}._]/gu, "-")}`;
      const control = element("td");
      if (byId(target)) {
        const link = element("a", "", both(controlEn, controlJa));
        link.href = `#${target}`;
        control.append(link);
      } else {
        control.append(both(controlEn, controlJa));
      }
      return element("tr", "",
        element("td", "", element("span", `state ${standing}`, icon(standing), " ", both(standingEn, standingJa))),
        element("td", "", element("span", `badge ${severity}`, both(severityEn, severityJa))),
        resource, control, element("td", "evidence", both(...why(row))));
    }));
    const number = (n) => n.toLocaleString("en-US");
    byId("results-count").textContent = words.shown[lang()]
      .replace("{from}", number(found.length ? from + 1 : 0))
      .replace("{to}", number(from + shown.length))
      .replace("{n}", number(found.length));
    byId("results-nothing").hidden = found.length > 0;
    byId("page-previous").disabled = page === 0;
    byId("page-next").disabled = from + PAGE >= found.length;
  };

  const apply = () => {
    const wanted = Object.entries(filters)
      .map(([key, filter]) => [filter.of, byId(`f-${key}`).value])
      .filter(([, value]) => value !== "")
      .map(([of, value]) => [of, Number(value)]);
    const needles = byId("f-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    found = data.rows.filter((row) => wanted.every(([of, value]) => of(row) === value)
      && (needles.length === 0 || needles.every((needle) => text(row).includes(needle))));
    page = 0;
    draw();
  };

  const relabel = () => {
    document.documentElement.lang = lang();
    document.title = words.title[lang()];
    byId("f-text").placeholder = words.hint[lang()];
    for (const node of document.querySelectorAll("[data-label-en]")) {
      node.setAttribute("aria-label", node.dataset[lang() === "ja" ? "labelJa" : "labelEn"]);
    }
    fillSelects();
    draw();
  };

  for (const setting of ["lang", "theme"]) {
    const kept = store(`yagura-${setting}`);
    for (const radio of radios(setting)) {
      if (setting === "theme" && radio.value === kept) radio.checked = true;
      radio.addEventListener("change", () => {
        store(`yagura-${setting}`, radio.value);
        if (setting === "lang") relabel();
      });
    }
  }

  for (const node of document.querySelectorAll(".needs-script")) node.hidden = false;
  let waiting;
  byId("f-text").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(apply, 150); });
  byId("filters").addEventListener("change", apply);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(apply));
  const turn = (by) => { page += by; draw(); byId("results").scrollIntoView(); };
  byId("page-previous").addEventListener("click", () => turn(-1));
  byId("page-next").addEventListener("click", () => turn(1));

  for (const button of document.querySelectorAll("[data-show-control]")) {
    button.addEventListener("click", () => {
      byId("filters").reset();
      const at = data.controls.findIndex((control) => control[0] === button.dataset.showControl);
      setTimeout(() => {
        byId("f-control").value = String(at);
        byId("f-standing").value = "0";
        apply();
        byId("results").scrollIntoView();
      });
    });
  }
  for (const code of document.querySelectorAll(".code")) {
    const button = element("button", "copy", both(words.copy.en, words.copy.ja));
    button.type = "button";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.querySelector("code").textContent);
        button.replaceChildren(both(words.copied.en, words.copied.ja));
        setTimeout(() => button.replaceChildren(both(words.copy.en, words.copy.ja)), 1500);
      } catch {
        getSelection().selectAllChildren(code.querySelector("code"));
      }
    });
    code.append(button);
  }

  // A link to a finding or an item opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".finding:not([open]), .item:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of opened) details.open = false; });

  relabel();
  reveal();
})();
