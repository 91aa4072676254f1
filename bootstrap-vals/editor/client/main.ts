/** Begins the editor. */

import "./page.ts";
