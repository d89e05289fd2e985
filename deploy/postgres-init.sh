#!/bin/sh
# Runs once, when the database's volume is empty. The owner makes tables and roles and is no superuser; the application's login is made
# by `mcpauth migrate` and becomes a member of mcpauth_app, which owns nothing.
set -eu
psql --no-psqlrc -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv password DATABASE_OWNER_PASSWORD
CREATE ROLE mcpauth_owner LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOBYPASSRLS PASSWORD :'password';
CREATE ROLE mcpauth_app NOLOGIN;
GRANT mcpauth_app TO mcpauth_owner WITH ADMIN OPTION;
CREATE DATABASE mcpauth OWNER mcpauth_owner;
REVOKE ALL ON DATABASE mcpauth FROM PUBLIC;
GRANT CONNECT ON DATABASE mcpauth TO mcpauth_app;
SQL
