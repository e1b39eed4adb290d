#!/bin/sh
# The command line, from a new master key to a price, on this machine alone. The key arrives on stdin:
#
#   printf %s "$KEY" | sh first-steps.sh
#
#   GOLDKEY   optional: how to call the command line
#   API_URL   optional: another address for the price API
set -eu
goldkey=${GOLDKEY:-npx goldkey}
context="--encryption-context service=gold-data-stream"
umask 077

# A master-key file with mode 0600. With AWS KMS: goldkey create-key --alias alias/gold-api-keys
$goldkey create-key --local --master-key ./master.key

# Reads the key from stdin, prints only the ciphertext. This file is safe in Git.
$goldkey encrypt --local --master-key ./master.key $context > key.enc

# Prints version, fingerprint and length, never the key.
$goldkey verify --local --master-key ./master.key $context --ciphertext-file key.enc

# Prints one price.
$goldkey price XAU --local --master-key ./master.key $context --ciphertext-file key.enc ${API_URL:+--api-url "$API_URL"}
