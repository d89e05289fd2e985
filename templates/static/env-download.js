// <env-download data-name=".env" data-content="…"> saves the content as a file when its button is pressed; nothing is sent anywhere.
class EnvDownload extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([this.dataset.content], { type: "text/plain" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = this.dataset.name;
      link.click();
      URL.revokeObjectURL(url);
    });
  }
}

customElements.define("env-download", EnvDownload);
