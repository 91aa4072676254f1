/** Makes the text of a system file pleasant to edit. */

import "./page.ts";
