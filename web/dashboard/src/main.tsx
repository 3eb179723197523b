/** Start of the page: log in, load what all views need, show the view of the route. */
import { render } from "preact";
import { followRoute } from "./route.js";
import { resume } from "./session.js";
import { Shell } from "./shell.js";
import { startStream } from "./stream.js";
import { startTheme } from "./theme.js";

const root = document.getElementById("app");
if (!root) throw new Error("the page has no #app");

startTheme();
// A login link opened in a tab that is already here only changes the fragment.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#login=")) void resume();
});
await resume();
followRoute();
startStream();
render(<Shell />, root);
