// What makes the console handier where scripts run. Every page reads without it.
"use strict";

// Navigation is open where there is room for it.
for (const menu of document.querySelectorAll("details[data-open-wide]")) {
  const wide = matchMedia("(min-width: 60rem)");
  const follow = () => { menu.open = wide.matches; };
  wide.addEventListener("change", follow);
  follow();
}

// A box that ticks all boxes of its form.
for (const all of document.querySelectorAll("input[data-ticks]")) {
  const boxes = () => document.querySelectorAll(`input[name="${CSS.escape(all.dataset.ticks)}"]`);
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes()) {
      box.checked = all.checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}

// A choice that is carried out at once; without scripts its form has a button.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  for (const choice of form.querySelectorAll("select")) {
    choice.addEventListener("change", () => form.requestSubmit());
  }
  for (const button of form.querySelectorAll("[data-without-script]")) button.hidden = true;
}

// Copying what stands in a block.
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = button.dataset.done;
  });
}

// Asking before what cannot be taken back.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// Keys: j and k go through the rows of a list, x ticks, o or Enter opens, / goes to the search,
// g shows findings by cause, ? lists the keys.
const rows = [...document.querySelectorAll("tr[data-row]")];
let at = -1;
const go = (to) => {
  if (!rows.length) return;
  at = Math.max(0, Math.min(rows.length - 1, to));
  rows.forEach((row, n) => row.classList.toggle("at", n === at));
  const link = rows[at].querySelector("a");
  if (link) link.focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === "j") go(at + 1);
  else if (event.key === "k") go(at - 1);
  else if (event.key === "x" && at >= 0) rows[at].querySelector("input[type=checkbox]")?.click();
  else if (event.key === "o" && at >= 0) rows[at].querySelector("a")?.click();
  else if (event.key === "g") document.querySelector("a[data-key=g]:not([aria-current])")?.click();
  else if (event.key === "?") location.href = "/findings/keys";
  else if (event.key === "/") document.querySelector("input[type=search]")?.focus();
  else return;
  event.preventDefault();
});

// The SQL editor: Ctrl+Enter runs, names are inserted at the cursor, the schema is filtered.
// Tab leaves the editor, as everywhere: nobody is caught in it.
for (const editor of document.querySelectorAll("textarea[data-runs]")) {
  editor.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    editor.form.requestSubmit(document.getElementById(editor.dataset.runs));
  });
}
for (const button of document.querySelectorAll("button[data-inserts]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const editor = document.getElementById(button.dataset.inserts);
    editor.setRangeText(button.value, editor.selectionStart, editor.selectionEnd, "end");
    editor.focus();
  });
}
for (const field of document.querySelectorAll("input[data-filters]")) {
  const entries = document.querySelectorAll(`#${CSS.escape(field.dataset.filters)} > [data-name]`);
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const entry of entries) {
      const names = [entry, ...entry.querySelectorAll("[data-name]")];
      entry.hidden = !names.some((one) => one.dataset.name.toLowerCase().includes(wanted));
    }
  });
}

// A field that makes a choice true: who writes a time means that time.
for (const field of document.querySelectorAll("input[data-sets]")) {
  field.addEventListener("change", () => {
    document.getElementById(field.dataset.sets).value = field.dataset.to;
  });
}
