/** Light or dark: the system's choice until the user makes one. */
import { effect, signal } from "@preact/signals";

export type Theme = "light" | "dark";

const key = "reef.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function initial(): Theme {
  const kept = localStorage.getItem(key);
  if (kept === "light" || kept === "dark") return kept;
  return dark.matches ? "dark" : "light";
}

export const theme = signal<Theme>(initial());

export function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(key, theme.value);
}

export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  dark.addEventListener("change", () => {
    theme.value = initial();
  });
}
