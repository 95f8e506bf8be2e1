#!/bin/sh
# Logins that may read and nothing else; the rights come from Saldo's migrations.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v api="$(cat /run/secrets/api-database-password)" \
  -v grafana="$(cat /run/secrets/grafana-database-password)" <<'SQL'
CREATE ROLE saldo_api NOLOGIN;
CREATE ROLE saldo_grafana NOLOGIN;
CREATE ROLE saldo_reader LOGIN PASSWORD :'api' IN ROLE saldo_api;
CREATE ROLE grafana_reader LOGIN PASSWORD :'grafana' IN ROLE saldo_grafana;
ALTER ROLE grafana_reader SET statement_timeout = '10s';
ALTER ROLE grafana_reader SET default_transaction_read_only = on;
SQL
