// What the example pages share: the connection, as their connect form asks for it, and lines
// of text.
//
// A page has the elements #connect (a form), #address, #toggle and #state, and marks what is of
// use only while connected by the attribute data-online.  Nothing here or in the pages knows
// what carries the messages: Reef.connect() is given an address, and with it what
// Page.transports has for its scheme.
"use strict";

globalThis.Page = (() => {
  const maxLines = 500;
  const find = (id) => document.getElementById(id);

  /** Transports by scheme ("https:"), as Reef.connect() takes them; without one it is a
   *  WebSocket. */
  const transports = {};

  function transportOf(address) {
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(address)?.[0].toLowerCase() ?? "";
    return Object.hasOwn(transports, scheme) ? transports[scheme] : undefined;
  }

  /** An element; its text is never markup. */
  function element(name, className = "", text = "") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  /** Append a line of `parts` (texts, elements), and keep the newest in sight unless somebody
   *  scrolled up. */
  function addLine(log, className, ...parts) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const line = element("div", className);
    line.append(...parts);
    log.append(line);
    if (log.children.length > maxLines) log.firstChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
    return line;
  }

  function onSubmit(id, act) {
    find(id).onsubmit = (event) => {
      event.preventDefault();
      act();
    };
  }

  function explain(error, absent) {
    if (error.name === "SyntaxError" || error.name === "TypeError") {
      return "This is not the address of a server";
    }
    const isPlain = error.message === "the connection could not be made";
    return `${absent}: ${isPlain ? "is the server running?" : error.message}`;
  }

  function explainEnd({ code, reason }) {
    const why = reason || (code === 1000 ? "" : "the server is gone");
    return why ? `Disconnected: ${why}` : "Disconnected";
  }

  /** One connection at a time, made and ended by the connect form. */
  class Connection {
    #options;
    #client = null;
    #attempt = 0; // what belongs to an earlier one is not listened to
    #isConnecting = false;

    constructor(options) {
      this.#options = options;
      onSubmit("connect", () => {
        if (this.#client || this.#isConnecting) this.end("Disconnected");
        else void this.#connect();
      });
      this.#showButtons();
    }

    /** The client of Reef.connect(), or null. */
    get client() {
      return this.#client;
    }

    /** Send a text, if connected. */
    say(text) {
      this.#client?.say(text);
    }

    /** Send a typed message, if connected. */
    send(name, value, items) {
      this.#client?.send(name, value, items);
    }

    /** Show how things are; `className` is "", "connected" or "bad". */
    show(text, className = "") {
      find("state").textContent = text;
      find("state").className = className;
    }

    /** End it from this side, and say why. */
    end(text, className = "") {
      const client = this.#client;
      this.#forget();
      client?.close();
      this.show(text, className);
    }

    #forget() {
      const wasConnected = this.#client !== null;
      this.#attempt += 1;
      this.#client = null;
      this.#isConnecting = false;
      this.#showButtons();
      if (wasConnected) this.#options.closed?.();
    }

    #showButtons() {
      const isConnected = this.#client !== null;
      const had = document.activeElement;
      find("toggle").textContent = isConnected ? "Disconnect" : this.#isConnecting ? "Cancel" : "Connect";
      find("address").readOnly = isConnected || this.#isConnecting;
      document.body.classList.toggle("offline", !isConnected);
      for (const control of document.querySelectorAll("[data-online]")) control.disabled = !isConnected;
      if (had?.disabled) find("toggle").focus(); // or the keyboard would be nowhere
    }

    /** The page's handlers, for as long as this attempt is the one that counts. */
    #handlers(number) {
      const all = {
        error: ({ name, text }) => this.show(`${name ?? "A message"} was refused: ${text}`, "bad"),
        fault: (error) => this.show(`The server said what makes no sense: ${error.message}`, "bad"),
        ...this.#options.on,
        close: (end) => {
          this.#forget();
          this.show(explainEnd(end), "bad");
        },
      };
      const guard = (handler) => (...values) => {
        if (number === this.#attempt) handler(...values);
      };
      return Object.fromEntries(Object.entries(all).map(([name, handler]) => [name, guard(handler)]));
    }

    async #connect() {
      const { protocols, opened, absent = "No connection" } = this.#options;
      const address = find("address").value.trim();
      const number = ++this.#attempt;
      this.#isConnecting = true;
      this.#showButtons();
      this.show("Connecting…");
      try {
        const client = await Reef.connect(address, {
          protocols,
          on: this.#handlers(number),
          transport: transportOf(address),
        });
        if (number !== this.#attempt) {
          client.close();
          return;
        }
        this.#client = client;
      } catch (error) {
        if (number !== this.#attempt) return;
        this.#forget();
        this.show(explain(error, absent), "bad");
        return;
      }
      this.#isConnecting = false;
      this.#showButtons();
      this.show("Connected", "connected");
      opened?.(this.#client);
    }
  }

  /**
   * Make the connect form work.
   *
   * @param options protocols, on: as for Reef.connect(), on.close excepted; opened(client),
   *   closed(): when it is there and when it is no more; absent: what is said of an address
   *   where no server is.
   */
  const makeConnection = (options) => new Connection(options);

  return { find, element, addLine, onSubmit, makeConnection, transports };
})();
