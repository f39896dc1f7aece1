#!/usr/bin/env bash
# clients.sh BINARY HOME VENV: the AWS command line and boto3 as clients that we
# did not write, against `tunebench local serve`.
set -euo pipefail
bin=$1 home=$2 venv=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$home"
"$bin" local serve --home "$home" >"$home/env" 2>"$home/serve.log" &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q AWS_DISABLE_HOST_PREFIX_INJECTION "$home/env" && break
  kill -0 $pid || { cat "$home/serve.log"; exit 1; }
  sleep 0.1
done
# shellcheck disable=SC1091
. "$home/env"
# Nothing of this machine's own AWS set-up may leak in.
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER="" AWS_EC2_METADATA_DISABLED=true
PATH=$venv/bin:$PATH
aws sts get-caller-identity
aws sagemaker list-training-jobs
aws bedrock list-imported-models
aws bedrock list-foundation-models --query 'modelSummaries[].modelId' --output text
head -c 12000000 /dev/urandom >"$home/blob"
aws s3 mb s3://clients-check
aws s3 cp --no-progress "$home/blob" s3://clients-check/dir/blob
aws s3 cp --no-progress s3://clients-check/dir/blob "$home/blob2"
cmp "$home/blob" "$home/blob2"
aws s3 ls s3://clients-check/dir/
if AWS_SECRET_ACCESS_KEY=wrong aws sagemaker list-training-jobs 2>"$home/denied"; then
  echo "a request signed with a wrong key was accepted"; exit 1
fi
cat "$home/denied"
"$venv/bin/python" "$here/clients.py"
