// Brands that try to be hard to read, and every way to sign in, with all rules of axe in every look, and pictures: the tests of ../sign_in.test.mjs.
process.env.E2E_LOOKS = "all";
await import("../sign_in.test.mjs");
