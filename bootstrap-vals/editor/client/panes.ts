/** Panes whose sizes people set by dragging or with arrow keys, and that are as they left them. */

import { make } from "./elements.ts";

interface Pane {
  /** The custom property that has the size in pixels. */
  name: string;
  label: string;
  orientation: "vertical" | "horizontal";
  /** 1: it grows to the right or downwards; -1: to the left or upwards. */
  direction: 1 | -1;
  size: number;
  min: number;
  max: number;
}

const STEP = 24;

export function separator(frame: HTMLElement, pane: Pane): HTMLElement {
  const key = `town-pane-${pane.name}`;
  let size = Number(localStorage.getItem(key) ?? pane.size) || pane.size;
  const bar = make("div", {
    class: `ed-separator ${pane.orientation} ${pane.name}`, role: "separator", tabindex: 0, "aria-label": pane.label, "aria-orientation": pane.orientation,
    "aria-valuemin": pane.min, "aria-valuemax": pane.max,
  });
  const set = (wanted: number) => {
    size = Math.round(Math.max(pane.min, Math.min(pane.max, wanted)));
    frame.style.setProperty(`--${pane.name}`, `${size}px`);
    bar.setAttribute("aria-valuenow", String(size));
    localStorage.setItem(key, String(size));
  };
  set(size);
  const along = (event: PointerEvent) => (pane.orientation === "vertical" ? event.clientX : event.clientY);
  bar.addEventListener("pointerdown", (start) => {
    const before = size;
    bar.setPointerCapture(start.pointerId);
    frame.classList.add("dragging");
    const move = (event: PointerEvent) => set(before + (along(event) - along(start)) * pane.direction);
    bar.addEventListener("pointermove", move);
    bar.addEventListener("pointerup", () => {
      bar.removeEventListener("pointermove", move);
      frame.classList.remove("dragging");
    }, { once: true });
  });
  bar.addEventListener("keydown", (event) => {
    const forward = pane.orientation === "vertical" ? "ArrowRight" : "ArrowDown";
    const backward = pane.orientation === "vertical" ? "ArrowLeft" : "ArrowUp";
    if (event.key === forward) set(size + STEP * pane.direction);
    else if (event.key === backward) set(size - STEP * pane.direction);
    else return;
    event.preventDefault();
  });
  return bar;
}
