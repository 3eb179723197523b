/** The frame around every view: navigation, live figures, the state of the stream. */
import { useEffect } from "preact/hooks";
import { Clients } from "./clients.js";
import { Notices } from "./dialog.js";
import { Entities } from "./entities.js";
import { EntityEditor } from "./entity.js";
import type { IconName } from "./icon.js";
import { ListRow } from "./list_row.js";
import { ListRows } from "./list_rows.js";
import { Login } from "./login.js";
import { Overview } from "./overview.js";
import { route } from "./route.js";
import { session } from "./session.js";
import { Snapshots } from "./snapshots.js";
import { Sidebar, TopBar } from "./bars.js";
import { openings } from "./stream.js";
import { Systems } from "./systems.js";
import { followFrames, followLists, loadServer } from "./world.js";

export const views: { path: string; title: string; icon: IconName }[] = [
  { path: "", title: "Overview", icon: "overview" },
  { path: "entities", title: "Entities", icon: "entities" },
  { path: "systems", title: "Systems", icon: "systems" },
  { path: "clients", title: "Clients", icon: "clients" },
  { path: "snapshots", title: "Snapshots", icon: "snapshots" },
];

function View() {
  const { path, params } = route.value;
  const [section, id, part] = path;
  switch (section) {
    case "entities":
      return id === undefined ? <Entities /> : <EntityEditor key={id} id={id} />;
    case "systems":
      return <Systems />;
    case "clients":
      return <Clients />;
    case "snapshots":
      return <Snapshots />;
    case "lists": {
      const key = params.get("key") ?? "";
      return part === "row" && id !== undefined ? (
        <ListRow key={`${id} ${key}`} name={id} rowKey={key} />
      ) : (
        <ListRows key={id} name={id} />
      );
    }
    default:
      return <Overview />;
  }
}

function Inside() {
  useEffect(() => followFrames(), []);
  useEffect(() => followLists(), []);
  useEffect(() => {
    // A server that is away is told by the connection state; the next opening reads again.
    loadServer().catch(() => undefined);
  }, [openings.value]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      <Sidebar views={views} />
      <div class="page">
        <TopBar />
        <main id="content" tabIndex={-1}>
          <View />
        </main>
      </div>
      <Notices />
    </div>
  );
}

function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

export function Shell() {
  if (session.value === undefined) return null;
  return session.value ? <Inside /> : <Login />;
}
