// <code-tabs> turns the sections inside it, each with data-label, into tabs (WAI-ARIA tabs pattern). Without it they stand below each other.
class CodeTabs extends HTMLElement {
  connectedCallback() {
    const panels = [...this.querySelectorAll(":scope > [data-label]")];
    if (panels.length < 2 || this.querySelector("[role=tablist]")) return;
    const list = document.createElement("div");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", this.dataset.label);
    list.className = this.dataset.listClass;
    const tabs = panels.map((panel) => this.#tab(panel));
    list.append(...tabs);
    this.prepend(list);
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
    tabs.forEach((tab, i) => tab.addEventListener("click", () => this.#select(tabs, panels, i)));
    this.#select(tabs, panels, 0);
  }

  #tab(panel) {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.className = "tab";
    tab.id = `${panel.id}-tab`;
    tab.textContent = panel.dataset.label;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.querySelector("[data-heading]").hidden = true;
    return tab;
  }

  #select(tabs, panels, chosen) {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === chosen));
      tab.tabIndex = i === chosen ? 0 : -1;
      panels[i].hidden = i !== chosen;
    });
  }
}

customElements.define("code-tabs", CodeTabs);
