// Keys that act on the whole page, wherever the focus is, and the switch that turns them off: who speaks to the machine
// or presses keys by accident needs it (WCAG 2.1.4).

const KEPT = "keys"; // in localStorage: "off", or nothing
let on = true;
try {
  on = localStorage.getItem(KEPT) !== "off";
} catch {
  // A browser that keeps nothing: then the switch holds for this page.
}

// Whether a key press is meant for the page, not for a field or button that has the focus.
export function forPage(event) {
  if (!on || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  const target = event.target;
  if (target.matches?.("input[type=text], input[type=url], input[type=file], select, textarea")) return false;
  if (event.key === " " || event.key === "Enter") return !target.matches?.("button, a, summary, input");
  if (event.key.startsWith("Arrow") || event.key === "Home") return !target.matches?.("input");
  return true;
}

// Make the checkbox `box` the switch. To be called when all buttons that name their keys are there.
export function keySwitch(box) {
  const show = () => {
    box.checked = on;
    document.documentElement.classList.toggle("keys-off", !on);
    // Nothing should say keys to a screen reader that do nothing.
    const [from, to] = on ? ["data-keys", "aria-keyshortcuts"] : ["aria-keyshortcuts", "data-keys"];
    for (const each of document.querySelectorAll(`[${from}]`)) {
      each.setAttribute(to, each.getAttribute(from));
      each.removeAttribute(from);
    }
  };
  box.addEventListener("change", () => {
    on = box.checked;
    try {
      if (on) localStorage.removeItem(KEPT);
      else localStorage.setItem(KEPT, "off");
    } catch {
      // as above
    }
    show();
  });
  // After a click the keys are the page's again: space should not press the switch once more.
  box.addEventListener("click", (event) => event.detail && box.blur());
  // Another page of ours has changed it.
  addEventListener("storage", (event) => {
    if (event.key !== KEPT && event.key !== null) return;
    on = event.newValue !== "off";
    show();
  });
  show();
}
