/** The sidebar with the views and the bar with the server's live figures. */
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.js";
import { count, duration, titleOf } from "./format.js";
import { hrefTo, listHref, route } from "./route.js";
import { logOut, session } from "./session.js";
import { connection, type Connection, paused } from "./stream.js";
import { theme, toggleTheme } from "./theme.js";
import { frames, lists, rowCounts, server, serverReadAt } from "./world.js";

interface View {
  path: string;
  title: string;
  icon: IconName;
}

/** What plugins show of themselves, each list with the number of its rows. */
function Lists() {
  const [section, name] = route.value.path;
  const offered = lists.value ?? [];
  if (offered.length === 0) return null;
  return (
    <nav aria-label="Lists" class="lists">
      <span class="muted" aria-hidden="true">
        Lists
      </span>
      {offered.map((list) => (
        <a
          key={list.name}
          href={listHref(list.name)}
          title={list.doc ?? undefined}
          aria-current={section === "lists" && name === list.name ? "page" : undefined}
        >
          <Icon name="list" /> <span>{titleOf(list.name)}</span>{" "}
          <span class="count">{count(rowCounts.value[list.name] ?? list.rows)}</span>
        </a>
      ))}
    </nav>
  );
}

export function Sidebar({ views }: { views: View[] }) {
  const here = route.value.path[0] ?? "";
  const dark = theme.value === "dark";
  const themeText = dark ? "Light theme" : "Dark theme";
  return (
    <aside class="sidebar">
      <a class="brand" href={hrefTo("")} aria-label="Reef, overview">
        <Icon name="reef" /> <span>Reef</span>
      </a>
      <nav aria-label="Views">
        {views.map((view) => (
          <a
            key={view.path}
            href={hrefTo(view.path)}
            aria-current={here === view.path ? "page" : undefined}
          >
            <Icon name={view.icon} /> <span>{view.title}</span>
          </a>
        ))}
      </nav>
      <Lists />
      <div class="foot">
        <button type="button" class="plain" aria-label={themeText} onClick={toggleTheme}>
          <Icon name={dark ? "sun" : "moon"} /> <span>{themeText}</span>
        </button>
        <button
          type="button"
          class="plain"
          aria-label="Log out"
          onClick={() => void logOut()}
        >
          <Icon name="leave" /> <span>Log out</span>
        </button>
        <p class="role">Role: {session.value?.role}</p>
      </div>
    </aside>
  );
}

const connectionTexts: Record<Connection, string> = {
  connecting: "Connecting…",
  live: "Live",
  lost: "Connection lost, trying again…",
  asleep: "Asleep",
};

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Uptime() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const about = server.value;
  const age = about ? about.uptime_s + (now - serverReadAt.value) / 1000 : null;
  return <Figure label="Uptime" value={age === null ? "–" : duration(age)} />;
}

export function TopBar() {
  const about = server.value;
  const live = frames.value;
  const state = connection.value;
  return (
    <header class="topbar">
      <div class="title">
        <strong>{about?.name ?? "Reef"}</strong>
        {about && <span class="muted">v{about.version}</span>}
      </div>
      <dl class="figures">
        <Uptime />
        <Figure label="Tick" value={count(live?.tick ?? about?.tick)} />
        <Figure label="Rate" value={`${count(live?.tick_rate ?? about?.tick_rate)} Hz`} />
        <Figure label="Entities" value={count(live?.entities ?? about?.entities)} />
        <Figure label="Clients" value={count(live?.clients ?? about?.clients)} />
      </dl>
      {paused.value && <span class="tag warn">Paused</span>}
      <span class={`state ${state}`} role="status">
        {connectionTexts[state]}
      </span>
    </header>
  );
}
