/** The page shown to whoever is not logged in. */
import { useState } from "preact/hooks";
import { sentence } from "./format.js";
import { Icon } from "./icon.js";
import { logIn, loginError } from "./session.js";

export function Login() {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    await logIn({ token: token.trim() });
    setBusy(false);
  };
  return (
    <main class="login">
      <form class="card" onSubmit={submit}>
        <span class="brand">
          <Icon name="reef" /> Reef
        </span>
        <h1>Log in</h1>
        <p class="muted">
          Open the login link that the server printed when it started, or paste an access
          token.
        </p>
        <label for="token">Access token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          value={token}
          onInput={(e) => setToken(e.currentTarget.value)}
          aria-describedby={loginError.value ? "login-problem" : undefined}
          required
        />
        {loginError.value && (
          <p id="login-problem" class="problem" role="alert">
            {sentence(loginError.value)}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy || token.trim() === ""}>
          {busy ? "Logging in…" : "Log in"}
        </button>
      </form>
    </main>
  );
}
