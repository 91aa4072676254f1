/** A whole town inside this one, with vals of its own. */
export { default } from "town:system/main.ts";
