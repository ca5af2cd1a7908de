#!/bin/sh
# Makes the one migration of the time before the first release from the schemas, in their order. After a release it is never
# run again: see README.md.
set -eu
cd "$(dirname "$0")"
cat schemas/*.sql > migrations/20261125000000_baseline.sql
