package postgres

// FirstConnectionSQL is the statement behind FirstConnection.
const FirstConnectionSQL = firstConnectionSQL
