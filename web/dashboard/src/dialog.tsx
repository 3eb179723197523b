/** A question in front of the page, and the notices that actions leave behind. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "./api.js";

interface DialogProps {
  title: string;
  /** Text of the button that acts. */
  action: string;
  danger?: boolean;
  onAct: () => Promise<unknown>;
  onClose: () => void;
  children?: ComponentChildren;
}

/** Modal; closes when the action succeeded, and shows why when it did not. */
export function Dialog({ title, action, danger, onAct, onClose, children }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  useEffect(() => {
    box.current?.showModal();
  }, []);
  const act = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await onAct();
      onClose();
    } catch (problem) {
      setError(messageOf(problem));
      setBusy(false);
    }
  };
  return (
    <dialog ref={box} aria-labelledby="dialog-title" onClose={onClose}>
      <form onSubmit={act}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {error && (
          <p class="problem" role="alert">
            {error}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={busy}>
            {busy ? "Working…" : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface Notice {
  text: string;
  bad: boolean;
}

const notice = signal<Notice | null>(null);
let noticeTimer = 0;

/** Say for a few seconds what an action did. */
export function notify(text: string, bad = false): void {
  notice.value = { text, bad };
  clearTimeout(noticeTimer);
  noticeTimer = window.setTimeout(() => (notice.value = null), bad ? 10_000 : 5_000);
}

export function Notices() {
  const shown = notice.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {shown && <p class={shown.bad ? "notice bad" : "notice"}>{shown.text}</p>}
    </div>
  );
}
