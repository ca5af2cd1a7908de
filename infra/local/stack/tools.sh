#!/usr/bin/env bash
# Installs what is missing below .local/tools: `tools.sh python supabase cargo-deny cargo-lambda openapi-nexus`, or some of them.
# `cargo local test`, `deploy` and `up --watch` run it. The versions are those the template was written against.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
tools=$PWD/.local/tools
bin=$tools/python/bin

# ensure PROGRAM… -- WHAT LONG HOW COMMAND…: runs the command where one of the programs is missing.
ensure() {
    local missing=""
    while [[ $1 != -- ]]; do [[ -e $1 ]] || missing=yes; shift; done
    local what=$2 long=$3 how=$4
    shift 4
    [[ $missing ]] || return 0
    printf '  Installing %s into .local/tools (%s)\n' "$what" "$long" >&2
    "$@" >&2 || { printf '\n✗ %s is missing and could not be installed: %s\n' "$what" "$how" >&2; exit 1; }
}

with_pip() { python3 -m venv "$tools/python" && "$bin/pip" install --quiet --disable-pip-version-check "$@"; }
with_cargo() { CARGO_PROFILE_DEV_DEBUG=false cargo install "$1" --locked --quiet --profile dev --root "$tools"; }

for tool; do
    case $tool in
        python) # moto is a simulated AWS, for the proofs of the deployment; schemathesis asks what openapi.json describes.
            ensure "$bin"/{sam,cfn-lint,moto_server,aws,schemathesis} -- \
                "sam, cfn-lint, moto, the AWS command line and schemathesis" "once, about a minute" \
                "install Python 3 with venv and pip (Debian: apt-get install python3-venv python3-pip)" \
                with_pip aws-sam-cli==1.170.0 cfn-lint==1.58.0 "moto[server]==5.2.5" awscli==1.46.2 schemathesis==4.32.5 ;;
        supabase)
            ensure "$tools/node/node_modules/.bin/supabase" -- \
                "the Supabase command line" once "install Node.js 20 or later with npm" \
                npm install --silent --no-audit --no-fund --prefix "$tools/node" supabase@3.1.0 ;;
        cargo-lambda) # With the Zig it needs to build for another processor.
            command -v cargo-lambda >/dev/null || ensure "$bin/cargo-lambda" -- \
                cargo-lambda once "install it with \`pip install cargo-lambda\`" \
                with_pip cargo-lambda==1.9.2 ;;
        cargo-deny) # Its own release profile compiles for many minutes, and nobody waits for its second of work.
            command -v cargo-deny >/dev/null || ensure "$tools/bin/cargo-deny" -- \
                cargo-deny "once, some minutes" "install it with \`cargo install cargo-deny --locked\`" \
                with_cargo cargo-deny ;;
        openapi-nexus) # Makes a Rust client of openapi.json, for the full proofs.
            ensure "$tools/bin/openapi-nexus" -- \
                openapi-nexus "once, about a minute" "install it with \`cargo install openapi-nexus --locked\`" \
                with_cargo openapi-nexus@0.2.3 ;;
    esac
done
