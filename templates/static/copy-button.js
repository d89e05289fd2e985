// <copy-button data-value="…"> copies the value when its button is pressed, shows a check mark and says "Copied".
// Where no clipboard is to be had (an address that is neither https nor localhost) the button is hidden.
class CopyButton extends HTMLElement {
  #timer;

  connectedCallback() {
    if (!navigator.clipboard) {
      this.hidden = true;
      return;
    }
    this.querySelector("button").addEventListener("click", () => this.#copy());
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.dataset.value);
      this.#show(true, "Copied");
    } catch {
      this.#show(false, "Your browser did not allow copying");
    }
  }

  #show(done, words) {
    this.querySelector("[data-idle]").hidden = done;
    this.querySelector("[data-done]").hidden = !done;
    this.querySelector("[role=status]").textContent = words;
    clearTimeout(this.#timer);
    if (words) this.#timer = setTimeout(() => this.#show(false, ""), 2000);
  }
}

customElements.define("copy-button", CopyButton);
