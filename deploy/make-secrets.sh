#!/bin/sh
# Makes the secrets of deploy/compose.yaml where there are none yet. Keep a copy of master-key: without it sealed texts
# cannot be read by anyone.
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
for name in master-key jwt-secret database-password api-database-password grafana-database-password grafana-password; do
  [ -e "$folder/$name" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$folder/$name"
done
# Services run as users of their own; the folder itself lets nobody else in.
chmod 711 "$folder"
chmod 644 "$folder"/*
