// What a person does in the browser at an issuer: creates an account, signs in, decides.
import assert from "node:assert/strict";

let people = 0;

/** A person nobody has seen before. */
export function stranger(canaries) {
  people += 1;
  const password = canaries.note("password", `correct horse ${people} ${crypto.randomUUID()}`);
  return { email: `ada.${people}.${crypto.randomUUID().slice(0, 8)}@example.com`, password };
}

/** Fills the form for e-mail address and password, and sends it. */
export async function fillAccount(page, { email, password }, button) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: button, exact: true }).click();
}

/** From the sign-in page on: creates an account with the code from the mail; ends on the consent page. */
export async function signUp(page, product, person) {
  await page.getByRole("button", { name: "Create an account" }).click();
  await fillAccount(page, person, "Create account");
  await page.getByLabel("Code").fill(await mailedCode(page.context(), product, person.email));
  await page.getByRole("button", { name: "Continue" }).click();
  await onConsent(page, person.email);
}

/** From the sign-in page on; ends on the consent page. */
export async function signIn(page, person) {
  await fillAccount(page, person, "Sign in");
  await onConsent(page, person.email);
}

/** Waits for the consent page and requires that it names the account. */
export async function onConsent(page, email) {
  await page.getByRole("button", { name: "Allow" }).waitFor();
  assert.equal(await page.locator("form.who bdi").textContent(), email);
}

/** Decides on the consent page: "Allow" or "Deny". */
export function decide(page, decision) {
  return page.getByRole("button", { name: decision, exact: true }).click();
}

/** Waits until the mail to an address is on the page of caught mail, and returns the six digits in it. */
export async function mailedCode(context, product, email) {
  const text = await mailTo(context, product, email);
  const codes = text.match(/(?<![0-9])[0-9]{6}(?![0-9])/g);
  assert.equal(codes?.length, 1, "one code in the mail");
  return product.canaries.note("code of a mail", codes[0]);
}

/** Waits for the next mail with a link to sign in, and returns the link. */
export async function mailedLink(context, product, email) {
  const [link] = (await mailTo(context, product, email)).match(/https?:\/\/\S+\/oauth\/sign-in\/link\?\S+/) ?? [];
  assert.ok(link, "a link in the mail");
  product.canaries.note("code of a mail", new URL(link).searchParams.get("code"));
  return link;
}

const read = new Map(); // how many mails to an address were read

/** Waits for the next mail to an address and returns its text. */
export async function mailTo(context, product, email) {
  const page = await context.newPage();
  try {
    const mails = page.locator("details[data-mail]").filter({ has: page.locator("summary bdi", { hasText: email }) });
    const before = read.get(email) ?? 0;
    do await page.goto(product.dev.mail_url);
    while ((await mails.count()) <= before);
    read.set(email, before + 1);
    return await mails.first().locator("pre").textContent();
  } finally {
    await page.close();
  }
}
