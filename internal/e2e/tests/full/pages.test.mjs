// The pages of the running product, with all rules of axe in every look, and pictures: the tests of ../pages.test.mjs.
process.env.E2E_LOOKS = "all";
await import("../pages.test.mjs");
