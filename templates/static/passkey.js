// <passkey-form data-options="…" [data-new]> answers the challenge of its form with a passkey of this browser, or makes one.
// Where the browser has no passkeys it stays hidden.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

class PasskeyForm extends HTMLElement {
  connectedCallback() {
    if (!window.PublicKeyCredential || !navigator.credentials) return;
    this.hidden = false;
    this.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer(event.target);
    });
  }

  async #answer(form) {
    const trouble = form.querySelector(".error");
    trouble.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await this.#credential());
    } catch {
      trouble.hidden = false;
      return;
    }
    form.submit();
  }

  async #credential() {
    const { publicKey } = JSON.parse(this.dataset.options);
    publicKey.challenge = toBytes(publicKey.challenge);
    for (const known of [...(publicKey.excludeCredentials ?? []), ...(publicKey.allowCredentials ?? [])]) known.id = toBytes(known.id);
    if (publicKey.user) publicKey.user.id = toBytes(publicKey.user.id);
    const made = "new" in this.dataset ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
    const { response } = made;
    const answer = { clientDataJSON: toText(response.clientDataJSON) };
    if (response.attestationObject) {
      answer.attestationObject = toText(response.attestationObject);
      answer.transports = response.getTransports?.() ?? [];
    } else {
      answer.authenticatorData = toText(response.authenticatorData);
      answer.signature = toText(response.signature);
      if (response.userHandle) answer.userHandle = toText(response.userHandle);
    }
    return { id: made.id, rawId: toText(made.rawId), type: made.type, authenticatorAttachment: made.authenticatorAttachment ?? undefined,
      clientExtensionResults: made.getClientExtensionResults(), response: answer };
  }
}

customElements.define("passkey-form", PasskeyForm);
