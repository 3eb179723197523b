/** Editors of single values: text for numbers, strings and entities; choices for the rest.
 *
 * An editor shows the living value until somebody goes to it; then it keeps the draft, and
 * the living value is shown beside it.  A save tests that the value is still the one that
 * editing began with, unless systems move it all the time: nobody could ever win that. */
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf, Problem } from "./api.js";
import type { LeafProps, Operation } from "./field.js";
import { labelOf } from "./field.js";
import { count, short } from "./format.js";
import { isWords, parseText, textOf } from "./kind.js";
import { entityHref } from "./route.js";
import type { Value } from "./types.js";

const movingMs = 2000;

type Outcome =
  | { state: "idle" | "saving" }
  | { state: "saved"; tick: number }
  | { state: "failed"; text: string }
  | { state: "conflict" };

/** When the value last changed by itself, while this editor was shown. */
function useChangedAt(value: Value): { current: number } {
  const seen = useRef(JSON.stringify(value));
  const changedAt = useRef(0);
  const now = JSON.stringify(value);
  if (now !== seen.current) {
    seen.current = now;
    changedAt.current = Date.now();
  }
  return changedAt;
}

function useSave(props: LeafProps) {
  const [outcome, setOutcome] = useState<Outcome>({ state: "idle" });
  const changedAt = useChangedAt(props.value);
  useEffect(() => {
    if (outcome.state !== "saved") return undefined;
    const timer = setTimeout(() => setOutcome({ state: "idle" }), 6000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const save = async (value: Value, base: Value, force = false): Promise<boolean> => {
    const path = `/${props.path.map((p) => p.replace(/~/g, "~0").replace(/\//g, "~1")).join("/")}`;
    const moving = Date.now() - changedAt.current < movingMs;
    const operations: Operation[] = [{ op: "replace", path, value }];
    if (!force && !moving) operations.unshift({ op: "test", path, value: base });
    setOutcome({ state: "saving" });
    try {
      setOutcome({ state: "saved", tick: await props.context.patch(operations) });
      return true;
    } catch (problem) {
      setOutcome(
        problem instanceof Problem && problem.isConflict
          ? { state: "conflict" }
          : { state: "failed", text: messageOf(problem) },
      );
      return false;
    }
  };
  const reset = () => setOutcome({ state: "idle" });
  return { outcome, save, reset, fail: (text: string) => setOutcome({ state: "failed", text }) };
}

function Result({ outcome, id }: { outcome: Outcome; id: string }) {
  return (
    <span class="result" id={id} role="status">
      {outcome.state === "saving" && "saving…"}
      {outcome.state === "saved" && (
        <span class="good">✓ applied at tick {count(outcome.tick)}</span>
      )}
      {outcome.state === "failed" && <span class="problem">{outcome.text}</span>}
      {outcome.state === "conflict" && (
        <span class="problem">Somebody else changed this meanwhile.</span>
      )}
    </span>
  );
}

/** Lines that a text is shown in; more are scrolled to. */
const rowsOf = (text: string): number => Math.min(8, text.split("\n").length);

/** A text may have several lines, so there Enter begins one and Ctrl+Enter saves. */
export function TextField(props: LeafProps & { hint: string }) {
  const { field, value, path, hint } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const base = useRef<Value>(value);
  const { outcome, save, reset, fail } = useSave(props);
  const label = labelOf(props);
  const live = textOf(value);
  const dirty = draft !== null && draft !== textOf(base.current);
  /** A value that changed under the cursor could not be selected or corrected. */
  const draftAs = (text: string) => {
    if (draft === null) base.current = value;
    setDraft(text);
  };
  const cancel = () => {
    setDraft(null);
    reset();
  };
  const commit = async (force = false) => {
    if (draft === null) return;
    const parsed = parseText(field, draft);
    if ("problem" in parsed) fail(parsed.problem);
    else if (await save(parsed.value, base.current, force)) setDraft(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const breaks = field.type === "text" && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && !breaks) void commit();
    if (event.key === "Escape") cancel();
  };
  type Box = HTMLInputElement | HTMLTextAreaElement;
  const input = {
    id: label,
    "aria-label": label,
    "aria-describedby": `${label}-result`,
    "aria-invalid": outcome.state === "failed",
    autocomplete: "off" as const,
    spellcheck: false,
    value: draft ?? live,
    onFocus: () => draftAs(draft ?? live),
    onInput: (e: preact.TargetedEvent<Box>) => draftAs(e.currentTarget.value),
    onKeyDown,
    onBlur: () => {
      if (!dirty && outcome.state !== "saving") setDraft(null);
    },
  };
  return (
    <div class={dirty ? "field dirty" : "field"} title={field.doc ?? undefined}>
      <label class="label" for={label}>
        {path.at(-1)}
      </label>
      <div class="control">
        {field.type === "text" ? (
          <textarea {...input} rows={rowsOf(draft ?? live)} class="text" />
        ) : (
          <input
            {...input}
            inputMode={isWords(field.type) ? "text" : "decimal"}
            class={isWords(field.type) ? "text" : "text number"}
          />
        )}
        {hint && <span class="hint">{hint}</span>}
        {field.type === "entity" && typeof value === "string" && !dirty && (
          <a href={entityHref(value)}>open</a>
        )}
        {dirty && (
          <div class="draft">
            <span class="hint">now {short(value)}</span>
            <button type="button" class="primary small" onClick={() => void commit()}>
              Save
            </button>
            <button type="button" class="small" onClick={cancel}>
              Undo
            </button>
          </div>
        )}
        {outcome.state === "conflict" && (
          <button type="button" class="danger small" onClick={() => void commit(true)}>
            Overwrite
          </button>
        )}
      </div>
      <Result outcome={outcome} id={`${label}-result`} />
    </div>
  );
}

export function ChoiceField(props: LeafProps) {
  const { field, value, path } = props;
  const { outcome, save } = useSave(props);
  const label = labelOf(props);
  const choose = (next: Value) => void save(next, value);
  const chosen = Array.isArray(value) ? value : [];
  return (
    <div class="field" title={field.doc ?? undefined}>
      {field.type === "mask" ? (
        <span class="label">{path.at(-1)}</span>
      ) : (
        <label class="label" for={label}>
          {path.at(-1)}
        </label>
      )}
      <div class="control">
        {field.type === "bool" && (
          <input
            id={label}
            type="checkbox"
            class="switch"
            aria-label={label}
            checked={value === true}
            onChange={(e) => choose(e.currentTarget.checked)}
          />
        )}
        {field.type === "enum" && (
          <select
            id={label}
            aria-label={label}
            value={textOf(value)}
            onChange={(e) => choose(e.currentTarget.value)}
          >
            {!(field.values ?? []).includes(textOf(value)) && (
              <option value={textOf(value)}>{textOf(value)}</option>
            )}
            {(field.values ?? []).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        {field.type === "mask" && (
          <div class="bits" role="group" aria-label={label}>
            {(field.values ?? []).map((bit) => (
              <label key={bit}>
                <input
                  type="checkbox"
                  checked={chosen.includes(bit)}
                  onChange={(e) =>
                    choose(
                      (field.values ?? []).filter((other) =>
                        other === bit ? e.currentTarget.checked : chosen.includes(other),
                      ),
                    )
                  }
                />
                {bit}
              </label>
            ))}
          </div>
        )}
      </div>
      <Result outcome={outcome} id={`${label}-result`} />
    </div>
  );
}
