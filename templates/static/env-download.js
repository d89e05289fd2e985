// <env-download data-name="mcpauth.env" data-content="…"> saves the content as a file when its button is pressed; nothing is sent anywhere.
// Browsers take a leading dot off the name and give a text file another ending, hence the name and the type.
class EnvDownload extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([this.dataset.content], { type: "application/octet-stream" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = this.dataset.name;
      link.click();
      URL.revokeObjectURL(url);
    });
  }
}

customElements.define("env-download", EnvDownload);
