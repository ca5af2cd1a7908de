#!/usr/bin/env bash
# Deploys one environment: the commands of docs/RUNBOOK.md, "Every time", in their order. Each is printed before it runs and
# may be typed instead. Stops at the first doubt. With --dry-run it prints them all and runs none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage="usage: cargo local deploy --environment staging|production [--dry-run]"
environment="" dry_run=""
while (($#)); do
    case $1 in
        --environment) environment=${2:-}; shift 2 || { echo "$usage" >&2; exit 1; } ;;
        --dry-run) dry_run=yes; shift ;;
        *) echo "$usage" >&2; exit 1 ;;
    esac
done
section="[$environment.deploy.parameters]"
if [[ -z $environment ]] || ! grep -qxF "$section" samconfig.toml; then
    echo "$usage" >&2
    exit 1
fi

doubt() { printf '\n✗ %s\n' "$*" >&2; exit 1; }
step() { printf '\n▸ %s\n' "$*"; }
# Prints a command and carries it out.
run() { printf '  $ %s\n' "$1"; [[ $dry_run ]] || eval "$1"; }
# The same for one that only asks: its answer is in $answer, and whether it succeeded is the caller's to judge.
ask() { printf '  $ %s\n' "$1"; answer=""; [[ $dry_run ]] || answer=$(eval "$1"); }
# A condition that a dry run takes for granted.
is() { [[ $dry_run ]] || test "$@"; }

# The environment's part of samconfig.toml, and a parameter or setting of it.
mine=$(sed -n "/^\\[$environment\\.deploy/,/^\\]/p" samconfig.toml)
parameter() { sed -nE "s/^ *[\"']$1=\"?([^\"']*)\"?[\"'],?\$/\\1/p" <<<"$mine"; }
region=$(sed -nE 's/^region = "(.*)"$/\1/p' <<<"$mine")
stack=$(sed -nE 's/^stack_name = "(.*)"$/\1/p' <<<"$mine")
secrets="$(parameter SsmParameterRoot)/$environment"
bucket=$(parameter AssetsBucketName)
bucket=${bucket:-storytailor-assets-$environment}
export AWS_REGION=$region AWS_DEFAULT_REGION=$region ENVIRONMENT=$environment SAM_CLI_TELEMETRY=0
printf 'Storytailor: %s, stack %s in %s\n' "$environment" "$stack" "$region"

step "What is deployed is a commit, and knows its project and its operator"
ask "git status --porcelain"
is -z "$answer" || doubt "commit first, samconfig.toml too: a roll back goes to a commit"
commit=$(git rev-parse --short=12 HEAD)
if [[ -z $dry_run ]] && grep -qE 'SUPABASE_PROJECT_REF|ALARM_EMAIL' <<<"$(grep -v '#' <<<"$mine")"; then
    doubt "replace SUPABASE_PROJECT_REF and ALARM_EMAIL in samconfig.toml"
fi
for tool in aws sam supabase psql jq curl git cargo-lambda; do
    [[ $dry_run ]] || command -v "$tool" >/dev/null || doubt "$tool is not installed: docs/RUNBOOK.md, \"Tools\""
done

step "The account: whose it is, and what it allows"
ask "aws sts get-caller-identity --query Account --output text" || doubt "AWS does not know who you are"
[[ $dry_run ]] || printf '  account %s\n' "$answer"
ask "aws lambda get-account-settings --query AccountLimit.ConcurrentExecutions --output text" || doubt "no answer"
reserved=$(($(parameter ApiConcurrency) + $(parameter WorkerConcurrency) + $(parameter RescuerConcurrency)))
# AWS leaves a hundred to functions without a reserve.
needed=$((reserved + $(parameter MaxJobsInFlight) + (reserved > 0 ? 100 : 3)))
is "${answer:-0}" -ge "$needed" ||
    doubt "the account allows $answer executions at once and $needed are wanted: docs/RUNBOOK.md, \"Shares of an account\""
if (($(parameter MaxJobsInFlight) >= 100)); then
    ask "aws ssm get-service-setting --setting-id /ssm/parameter-store/high-throughput-enabled --query ServiceSetting.SettingValue --output text" || doubt "no answer"
    is "$answer" = true || doubt "a burst of starts would be throttled: docs/RUNBOOK.md, \"Once for an account\", step 3"
fi

step "Secrets, certificate, bucket, and what became of the stack last time"
ask "aws ssm get-parameters --names $secrets/SUPABASE_SERVICE_ROLE_KEY $secrets/OPENAI_API_KEY $secrets/ELEVENLABS_API_KEY --query InvalidParameters --output text" || doubt "no answer"
is -z "$answer" || doubt "put these into the parameter store first: $answer"
certificate=$(parameter AssetsCertificateArn)
if [[ $certificate ]]; then
    ask "aws acm describe-certificate --region us-east-1 --certificate-arn $certificate --query Certificate.Status --output text" || doubt "there is no such certificate"
    is "$answer" = ISSUED || doubt "the certificate is $answer"
fi
ask "aws cloudformation describe-stacks --stack-name $stack --query 'Stacks[0].StackStatus' --output text 2>/dev/null" || answer=none
case ${answer:-none} in
    none)
        # 404: there is none, as it must be before a first deployment. 403: somebody else has the name.
        ask "aws s3api head-bucket --bucket $bucket 2>&1" || answer="no: $answer"
        is "${answer#no: *404}" != "$answer" ||
            doubt "bucket $bucket is there already, or somebody else's: docs/RUNBOOK.md, \"The first deployment failed\""
        ;;
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED)
        doubt "the stack is $answer: docs/RUNBOOK.md, \"The first deployment failed\"" ;;
    *_IN_PROGRESS) doubt "the stack is $answer: somebody else deploys" ;;
esac

step "Models and voices are there"
openai=$(parameter OpenAiBaseUrl)
elevenlabs=$(parameter ElevenLabsBaseUrl)
# Keys are read into variables and given to curl by its standard input, so that no process list shows them.
ask "aws ssm get-parameter --with-decryption --name $secrets/OPENAI_API_KEY --query Parameter.Value --output text" || doubt "no answer"
OPENAI_API_KEY=$answer
ask "aws ssm get-parameter --with-decryption --name $secrets/ELEVENLABS_API_KEY --query Parameter.Value --output text" || doubt "no answer"
ELEVENLABS_API_KEY=$answer
models="$(parameter OpenAiTextModel),$(parameter OpenAiAnalysisModel),$(parameter OpenAiImageModels)"
for model in $(tr ',' '\n' <<<"$models" | sort -u); do
    run "curl -sf -o /dev/null -H @- ${openai:-https://api.openai.com/v1}/models/$model <<<\"Authorization: Bearer \$OPENAI_API_KEY\"" ||
        doubt "OpenAI has no $model for this key: docs/RUNBOOK.md, \"Models and their end\""
done
voice=$(parameter ElevenLabsDefaultVoice)
run "curl -sf -o /dev/null -H @- ${elevenlabs:-https://api.elevenlabs.io}/v1/voices${voice:+/$voice} <<<\"xi-api-key: \$ELEVENLABS_API_KEY\"" ||
    doubt "ElevenLabs has no such voice, or the key is refused"

step "The database, first: new code may need new columns, and old code does not mind them"
project=$(parameter SupabaseUrl)
is -n "${DATABASE_URL:-}" || doubt "DATABASE_URL is not set: docs/RUNBOOK.md, \"Once for an environment\", step 1"
case ${DATABASE_URL:-} in
    *:6543/*) doubt "DATABASE_URL is the transaction pooler (6543), which migrations cannot use: take the session pooler, 5432" ;;
esac
reference=${project#https://}
reference=${reference%%.*}
if [[ -z $dry_run && $project == *.supabase.co && $DATABASE_URL != *"$reference"* ]]; then
    doubt "DATABASE_URL is not that of $project: each environment has its own"
fi
run "psql \"\$DATABASE_URL\" -Atc 'select 1' >/dev/null" || doubt "the database does not answer"
run "supabase db push --workdir infra --remote=\"\$DATABASE_URL\"" || doubt "the migrations were not applied: nothing else was changed"

step "The functions"
release=.local/releases/$environment-$commit.yaml
if [[ $environment == production && -z $dry_run && ! -e .local/releases/staging-$commit.proven ]]; then
    doubt "no story was made of $commit on staging from here: staging first"
fi
if [[ $environment == production && -z $dry_run ]]; then
    read -rp "  Deploy $commit to production? Type its name: " typed
    [[ $typed == production ]] || doubt "nothing but the database was changed"
fi
run "export STORYTAILOR_COMMIT=$commit"
run "sam validate --lint"
run "sam build --config-env $environment"
run "mkdir -p .local/releases"
run "sam package --config-env $environment --output-template-file $release"
run "sam deploy --config-env $environment --template-file $release"
if [[ $environment == production ]]; then
    run "aws cloudformation update-termination-protection --enable-termination-protection --stack-name $stack"
fi

step "A story"
ask "aws cloudformation describe-stacks --stack-name $stack --query \"Stacks[0].Outputs[?OutputKey=='ApiUrl'].OutputValue\" --output text"
API_URL=$answer
ask "aws ssm get-parameter --with-decryption --name $secrets/SUPABASE_SERVICE_ROLE_KEY --query Parameter.Value --output text"
export SUPABASE_URL=$project SUPABASE_SERVICE_ROLE_KEY=$answer
run "cargo local smoke --api \"\$API_URL\" --commit $commit" ||
    doubt "deployed, but no story came of it: docs/RUNBOOK.md, \"Roll back\""
run "touch ${release%.yaml}.proven"
if [[ $dry_run ]]; then
    printf '\nA dry run: nothing was asked and nothing done.\n'
else
    printf '\n%s is at %s. Its release is kept in %s.\n' "$environment" "$commit" "$release"
fi
