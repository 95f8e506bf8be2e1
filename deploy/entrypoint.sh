#!/bin/sh
# Secrets come as files and reach Saldo without being part of the image, the compose file or a command line.
set -eu
secrets=${SECRETS_FOLDER:-/run/secrets}
umask 077

if [ -r "$secrets/master-key" ]; then
  # Saldo takes a key file that only its owner can read; a mounted one has the mode that the host gave it.
  cp "$secrets/master-key" /tmp/master-key
  export SALDO_MASTER_KEY_FILE=/tmp/master-key
fi
if [ -r "$secrets/jwt-secret" ]; then
  SALDO_JWT_SECRET=$(cat "$secrets/jwt-secret")
  export SALDO_JWT_SECRET
fi
if [ -r "$secrets/database-password" ]; then
  DATABASE_URL="postgresql://saldo:$(cat "$secrets/database-password")@${DATABASE_HOST:-timescale}:5432/saldo"
  export DATABASE_URL
fi
if [ -r "$secrets/api-database-password" ]; then
  SALDO_API_DATABASE_URL="postgresql://saldo_reader:$(cat "$secrets/api-database-password")@${DATABASE_HOST:-timescale}:5432/saldo"
  export SALDO_API_DATABASE_URL
fi
exec node /app/cli/main.ts "$@"
