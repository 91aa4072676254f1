/** What scripts add to every page: copying, keys, the palette of commands. Without it all pages work as they are. */

import { openPalette } from "./palette.ts";

/** The path below which this town was reached. */
export const base = document.body.dataset.base ?? "";

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button.dataset.copy ?? "", button));
}

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// On a narrow screen tabs go on beyond the edge; the one whose page this is must not be there, also when the screen is turned.
function showTab(): void {
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    const row = tab.parentElement as HTMLElement;
    row.scrollLeft = (tab as HTMLElement).offsetLeft - row.offsetLeft - (row.clientWidth - tab.clientWidth) / 2;
  }
}
showTab();
window.addEventListener("resize", showTab);

// Lines of a .env file that are pasted where one name belongs are meant for the box that takes several.
document.querySelector("form #key")?.addEventListener("paste", (event) => {
  const text = (event as ClipboardEvent).clipboardData?.getData("text") ?? "";
  const box = document.querySelector<HTMLTextAreaElement>("#several textarea");
  if (box === null || !/^\s*(export\s+)?\w+\s*=/m.test(text)) return;
  event.preventDefault();
  box.closest("details")?.setAttribute("open", "");
  box.value = text;
  box.focus();
});

// A choice in a list that stands alone needs no button.
const theme = document.querySelector<HTMLSelectElement>("#theme");
theme?.addEventListener("change", () => theme.form?.submit());

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!menu.contains(event.target as Node)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  // The editor's key maps come first: Ctrl+K is another command for Emacs.
  if (event.defaultPrevented) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.key === "Escape") closeMenus();
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector<HTMLInputElement>(".find input")?.focus();
  } else if (event.key === "?") openPalette();
});

function closeMenus(): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Puts a text on the clipboard and says so on the button. */
export async function copy(text: string, button: HTMLElement): Promise<void> {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // The clipboard is closed to plain http addresses: then the text is there to be taken by hand.
    prompt("Copy this", text);
  }
  setTimeout(() => (button.textContent = before), 1500);
}
