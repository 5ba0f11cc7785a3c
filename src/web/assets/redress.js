// Niceties for pages that work without them: live countdowns, a board that stays fresh, rows added
// on the spot, a question before what cannot be undone. Nothing here decides anything.
"use strict";

(() => {
  const SECOND = 1000;
  const all = (selector, root = document) => root.querySelectorAll(selector);

  // The server's moment when it made the page: a reader's clock that is wrong must not move a deadline.
  const told = Date.parse(document.documentElement.dataset.now);
  const ahead = Number.isNaN(told) ? 0 : told - Date.now();
  const now = () => Date.now() + ahead;

  const two = (number) => String(number).padStart(2, "0");

  /** 93784000 as "1 d 02:03:04", 3784000 as "1:03:04", 184000 as "3:04". */
  function span(milliseconds) {
    const seconds = Math.floor(milliseconds / SECOND);
    const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
    const tail = `${two(minutes)}:${two(seconds % 60)}`;
    if (days > 0) return `${days} d ${two(hours)}:${tail}`;
    if (hours > 0) return `${hours}:${tail}`;
    return `${minutes}:${two(seconds % 60)}`;
  }

  function show(time) {
    const left = Date.parse(time.dataset.due) - now();
    if (Number.isNaN(left)) return;
    // At the deadline itself the promise is still kept: late begins after it.
    const late = left < 0;
    const unit = document.createElement("small");
    unit.textContent = late ? " late" : " left";
    time.replaceChildren(span(late ? -left : left + SECOND - 1), unit);
    const card = time.closest(".tone-calm, .tone-soon");
    if (late && card) {
      card.classList.remove("tone-calm", "tone-soon");
      card.classList.add("tone-late");
    }
  }

  function tick() {
    all("time[data-due]").forEach(show);
    // Wake on the server's whole second, so that all countdowns of a room change together.
    setTimeout(tick, SECOND - (((now() % SECOND) + SECOND) % SECOND));
  }

  // ---- a page that stays fresh -------------------------------------------------------------

  async function refresh(part) {
    const held = part.contains(document.activeElement) || document.hidden;
    if (held) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh) {
        part.replaceChildren(...fresh.childNodes);
        all("time[data-due]", part).forEach(show);
      }
    } catch {
      // Away for a moment: what is shown stays, and the countdowns go on.
    }
  }

  // ---- rows of a form ----------------------------------------------------------------------

  /** The template of a list holds `__n__` where the number of the row stands. */
  function addRow(button) {
    const list = button.dataset.addRow;
    const model = document.querySelector(`template[data-row="${CSS.escape(list)}"]`);
    const rows = document.querySelector(`[data-rows="${CSS.escape(list)}"]`);
    if (!model || !rows) return false;
    const next = Number(rows.dataset.next || rows.children.length);
    rows.dataset.next = String(next + 1);
    const holder = document.createElement("template");
    holder.innerHTML = model.innerHTML.replaceAll("__n__", String(next));
    rows.append(holder.content);
    const row = rows.lastElementChild;
    offerZones(row);
    row?.querySelector("input, select, textarea")?.focus();
    return true;
  }

  function removeRow(button) {
    const row = button.closest("[data-row-item]");
    if (!row) return false;
    const beside = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    beside?.querySelector("input, select, textarea")?.focus();
    return true;
  }

  // ---- zones -------------------------------------------------------------------------------

  function offerZones(root) {
    const fields = all("input[data-zones]", root);
    if (fields.length === 0 || !Intl.supportedValuesOf) return;
    if (!document.getElementById("zones")) {
      const list = document.createElement("datalist");
      list.id = "zones";
      for (const name of ["UTC", ...Intl.supportedValuesOf("timeZone")]) list.append(new Option(name, name));
      document.body.append(list);
    }
    fields.forEach((field) => field.setAttribute("list", "zones"));
  }

  // ---- events ------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.addRow && addRow(button)) event.preventDefault();
    else if ("removeRow" in button.dataset && removeRow(button)) event.preventDefault();
    else if ("print" in button.dataset) window.print();
    else if (button.dataset.copy) {
      const source = document.getElementById(button.dataset.copy);
      navigator.clipboard?.writeText(source?.textContent.trim() ?? "").then(() => {
        button.textContent = "Copied";
      }, () => {});
    }
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      return;
    }
    // Sent once: the server folds a second one by its request id, this saves the wait for it.
    const form = event.target;
    if (form.method === "post") {
      setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)), 0);
    }
  });

  // Back from the next page: the buttons work again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) all("form button:disabled").forEach((button) => (button.disabled = false));
  });

  all(".needs-script[hidden]").forEach((element) => (element.hidden = false));
  document.querySelector(".error-summary")?.focus();
  offerZones(document);
  if (document.querySelector("time[data-due]")) tick();
  all("[data-refresh]").forEach((part) => setInterval(() => refresh(part), Number(part.dataset.refresh) * SECOND));
})();
