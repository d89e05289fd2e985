// Lets Node.js reach *.localhost (RFC 6761 section 6.3), as browsers do by themselves and many resolvers do not. To be loaded before
// anything opens a connection: node --require, or the first import of a test.
const dns = require("node:dns");

const { lookup } = dns;

dns.lookup = function lookupLocal(hostname, ...rest) {
  return lookup.call(this, /\.localhost\.?$/i.test(hostname) ? "localhost" : hostname, ...rest);
};
