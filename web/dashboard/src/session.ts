/** Who is logged in.  The credential itself is a cookie that scripts cannot read. */
import { computed, signal } from "@preact/signals";
import { messageOf, request } from "./api.js";
import type { Session } from "./types.js";

/** `undefined` until known, `null` when logged out. */
export const session = signal<Session | null | undefined>(undefined);
/** Why the last attempt to log in failed. */
export const loginError = signal("");
export const canOperate = computed(
  () => session.value?.role === "operator" || session.value?.role === "admin",
);
export const canRestore = computed(() => session.value?.role === "admin");

const codeHint =
  ". A login link works once and for ten minutes; a restart of the server prints a new one";

export function signedOut(): void {
  session.value = null;
}

/** The server knows the session no more; sessions end with the server, too. */
export function sessionEnded(): void {
  if (session.value) loginError.value = "Your session has ended. Log in again.";
  signedOut();
}

/** Exchange a login code or a token for a session. */
export async function logIn(proof: { code: string } | { token: string }): Promise<void> {
  try {
    session.value = await request<Session>("POST", "/session", { body: proof });
    loginError.value = "";
  } catch (error) {
    session.value = null;
    loginError.value = messageOf(error) + ("code" in proof ? codeHint : "");
  }
}

export async function logOut(): Promise<void> {
  try {
    await request("DELETE", "/session");
  } finally {
    signedOut();
  }
}

/** Take the code of a login link out of the address, so that it is neither kept nor shown. */
function takeCode(): string | null {
  const match = /^#login=(.+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", location.pathname);
  return decodeURIComponent(match[1] ?? "");
}

/** Log in by the link that the page was opened with, or find the session there is. */
export async function resume(): Promise<void> {
  const code = takeCode();
  if (code !== null) await logIn({ code });
  if (session.value) return;
  try {
    session.value = await request<Session>("GET", "/whoami");
    loginError.value = "";
  } catch {
    session.value = null;
  }
}
