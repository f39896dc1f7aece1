#!/usr/bin/env bash
# queue.sh BINARY HOME AWS: three imports, of which two have to wait, survive the
# death of every process that knows of them; then a model is proved and deleted.
# AWS is the AWS command line.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
trap 'pkill -f "local owner --home $home/h" 2>/dev/null || true' EXIT
run() { "$bin" "$@" --home "$home/h"; }

run train start --dataset sample:openorca-sample.jsonl --name small --set max_steps=10 --wait >/dev/null 2>&1
# The artifact in a folder, with ballast that makes an import last a moment.
run local serve >"$home/env.sh" 2>/dev/null &
server=$!
until [ -s "$home/env.sh" ]; do sleep 0.05; done
source=$(run train status small -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["artifact"])')
(. "$home/env.sh" && "$3" s3 cp --recursive --quiet "$source" "$home/artifact/")
kill "$server"; wait "$server" 2>/dev/null || true
dd if=/dev/zero of="$home/artifact/ballast.md" bs=1M count=600 status=none

run import start --source "$home/artifact" --name first >/dev/null 2>&1
for n in second third; do run import start --source "$home/artifact" --name $n >"$home/$n" 2>/dev/null; done
run import list | sed 's/^/  /'
[ "$(run import list -o json | grep -c '"Waiting"')" = 2 ] || { echo "the second and the third do not wait"; exit 1; }

pkill -9 -f "local owner --home $home/h" || true
echo "killed with -9; a command that waits for the last goes on with all:"
run import status "$(cat "$home/third")" --wait 2>&1 | sed 's/^/  /'
run import list | sed 's/^/  /'
done=$(run import list -o json | grep -c '"Completed"')
# The one that ran when its process was killed has failed, as it would if its
# machine had been lost; what waited has not.
[ "$done" -ge 2 ] || { echo "only $done imports completed"; exit 1; }
[ "$(run import list -o json | grep -c '"Waiting"')" = 0 ] || { echo "something waits still"; exit 1; }
echo "the queue survived"

echo "the imported model, asked in every form, then deleted:"
run models prove third 2>/dev/null | sed 's/^/  /'
run models prove third -o json 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert [p["body"] for p in v["proofs"]] == ["OpenAICompletion", "BedrockCompletion", "OpenAIChatCompletion", "Converse"], v
assert v["agree"] and all(p["works"] for p in v["proofs"]), v'
# Another client sees the same jobs, models, tags and units.
run local serve >"$home/env2.sh" 2>/dev/null &
server=$!
until [ -s "$home/env2.sh" ]; do sleep 0.05; done
(
  . "$home/env2.sh"
  ours=$(run import list -o json | python3 -c 'import json,sys; print("\n".join(sorted(j["name"] for j in json.load(sys.stdin))))')
  theirs=$("$3" bedrock list-model-import-jobs --query 'modelImportJobSummaries[].jobName' --output text | tr '\t' '\n' | sort)
  [ "$ours" = "$theirs" ] || { printf 'import jobs differ\nours\n%s\ntheirs\n%s\n' "$ours" "$theirs"; exit 1; }
  arn=$(run models show third -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["arn"])')
  "$3" bedrock get-imported-model --model-identifier "$arn" --query '[modelName,modelArchitecture,customModelUnits.customModelUnitsPerModelCopy]' --output text
  "$3" bedrock list-tags-for-resource --resource-arn "$arn" --query 'tags[].key' --output text
  # A SageMaker model that another client made is imported by its ARN.
  "$3" sagemaker create-model --model-name packed --execution-role-arn arn:aws:iam::000000000000:role/x --primary-container \
    "Image=image,ModelDataSource={S3DataSource={S3Uri=$source,S3DataType=S3Prefix,CompressionType=None}}" --query ModelArn --output text >"$home/arn"
)
kill "$server"; wait "$server" 2>/dev/null || true
run import check "$(cat "$home/arn")" >/dev/null
run import delete first --yes >/dev/null 2>&1 || true
run import start --source "$(cat "$home/arn")" --name from-sagemaker --wait >/dev/null 2>&1
run import delete from-sagemaker --yes >/dev/null 2>&1
echo "the AWS command line sees the same, and what it made can be imported"
for n in second third; do run import delete $n --yes >/dev/null 2>&1; done
[ "$(run import models -o json | grep -c '"third"')" = 0 ] || { echo "the model was not deleted"; exit 1; }
