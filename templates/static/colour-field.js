// <colour-field> shows the browser's own picker beside a colour that is typed as text, and keeps the two alike.
class ColourField extends HTMLElement {
  connectedCallback() {
    const picker = this.querySelector("[data-picker]");
    const text = this.querySelector("input[type=text]");
    picker.hidden = false;
    picker.addEventListener("input", () => {
      text.value = picker.value;
      text.dispatchEvent(new Event("input", { bubbles: true }));
    });
    text.addEventListener("input", () => {
      if (/^#[0-9a-f]{6}$/i.test(text.value)) picker.value = text.value;
    });
  }
}

customElements.define("colour-field", ColourField);
