// A second click on a button sends its form no second time: what a form does is done once. Where the browser stays on the page, as it
// does for a download, the form may be sent again after a while.
const AGAIN = 3000; // milliseconds

const forget = (form) => delete form.dataset.sent;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(forget, AGAIN, form);
});

// Back to a page that the browser kept as it was.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(forget));
