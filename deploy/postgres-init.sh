#!/bin/sh
# Runs once, when the database's volume is empty. The owner makes the tables and is no superuser, nor may it make roles: up to
# PostgreSQL 15 CREATEROLE also grants roles that run programs on the server. The application's login is a member of mcpauth_app, which
# owns nothing.
set -eu
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password DATABASE_OWNER_PASSWORD
\getenv password DATABASE_PASSWORD
-- A statement that fails is logged, and these hold passwords.
SET log_min_error_statement = panic;
BEGIN;
CREATE ROLE mcpauth_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE mcpauth_app NOLOGIN;
CREATE ROLE mcpauth LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS IN ROLE mcpauth_app PASSWORD :'password';
COMMIT;
CREATE DATABASE mcpauth OWNER mcpauth_owner;
REVOKE ALL ON DATABASE mcpauth FROM PUBLIC;
GRANT CONNECT ON DATABASE mcpauth TO mcpauth_app;
SQL
