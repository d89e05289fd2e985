// The sample pages, with all rules of axe in every look, and pictures: the tests of ../looks.test.mjs.
process.env.E2E_LOOKS = "all";
await import("../looks.test.mjs");
