package postgres

// QuoteLiteral lets the tests give what it makes to a real server.
var QuoteLiteral = quoteLiteral
