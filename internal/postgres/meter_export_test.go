package postgres

// NewcomerSQL is the statement behind Newcomer.
const NewcomerSQL = newcomerSQL
