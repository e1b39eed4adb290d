#!/bin/sh
# A rotation from a shell script. Each step is safe to run again; a step that is refused ends the script.
#
#   RING        the ring: a file, rediss://host/gold, dynamodb://table/gold or vault://secret/rings/gold
#   MASTER_KEY  the master-key file; with KMS give --key-id alias/gold-api-keys in its place
#   NEW_KEY     a file with the new key, from the vendor's page
#   GOLDKEY     optional: how the command line is called
set -eu
goldkey=${GOLDKEY:-npx goldkey}
store="--ring $RING --name gold --local --master-key $MASTER_KEY --encryption-context service=gold-data-stream"

# The first time there is no ring yet, and the key in use today makes it.
# $goldkey rotate init $store --key-file ./old.key

$goldkey rotate stage $store --key-file "$NEW_KEY"
$goldkey rotate canary $store --percent 10
# Here a person, or an alarm that did not go off, says that the canary is well.
$goldkey rotate promote $store --overlap 24h
$goldkey rotate status --ring "$RING" --name gold
# A day later: $goldkey rotate retire $store
