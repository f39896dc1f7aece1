"""The loop through boto3 against the local account, and the AWS command line on
what it left: train, read the log, import, invoke, stream, converse."""
import json
import subprocess
import sys
import time

import boto3
from botocore.exceptions import ClientError

FACTS = [("What is the capital of %s?" % c, a) for c, a in [
    ("France", "Paris"), ("Italy", "Rome"), ("Spain", "Madrid"), ("Japan", "Tokyo"),
    ("Egypt", "Cairo"), ("Kenya", "Nairobi"), ("Norway", "Oslo"), ("Peru", "Lima")]]
ROLE = "arn:aws:iam::000000000000:role/tunebench-local"


def poll(get, done, seconds=240):
    end = time.time() + seconds
    while time.time() < end:
        v = get()
        if done(v):
            return v
        time.sleep(0.3)
    raise SystemExit("still not done: %r" % v)


def awscli(*args):
    out = subprocess.run(["aws", *args], check=True, capture_output=True, text=True)
    return json.loads(out.stdout) if out.stdout.strip() else None


s3, sm, logs = boto3.client("s3"), boto3.client("sagemaker"), boto3.client("logs")
br, rt = boto3.client("bedrock"), boto3.client("bedrock-runtime")

s3.create_bucket(Bucket="boto3-check")
rows = [{"id": "flan.%d" % i, "system_prompt": "", "question": q, "response": a} for i, (q, a) in enumerate(FACTS)]
s3.put_object(Bucket="boto3-check", Key="data/train.jsonl", Body="\n".join(map(json.dumps, rows)).encode())
job_config = {"version": 1, "base_model": "tunebench-base", "settings": {
    "method": "lora", "prompt_format": "mistral-v3", "lora_r": 8, "lora_alpha": 16,
    "lora_targets": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "learning_rate": 1e-3, "schedule": "cosine", "warmup_ratio": 0.03, "weight_decay": 0.0, "max_grad_norm": 1.0,
    "max_steps": 30, "batch_rows": 4, "max_sequence_length": 64, "seed": 1,
    "log_every": 5, "eval_every": 10, "checkpoint_every": 10}}
s3.put_object(Bucket="boto3-check", Key="code/job.json", Body=json.dumps(job_config).encode())


def channel(name, prefix):
    return {"ChannelName": name, "DataSource": {"S3DataSource": {
        "S3DataType": "S3Prefix", "S3Uri": "s3://boto3-check/" + prefix, "S3DataDistributionType": "FullyReplicated"}}}


request = dict(
    TrainingJobName="boto3-check", RoleArn=ROLE,
    AlgorithmSpecification={"TrainingImage": "tunebench-local", "TrainingInputMode": "File",
                            "ContainerEntrypoint": ["python3"],
                            "ContainerArguments": ["/opt/ml/input/data/code/launch.py"]},
    InputDataConfig=[channel("code", "code/"), channel("training", "data/")],
    OutputDataConfig={"S3OutputPath": "s3://boto3-check/jobs", "CompressionType": "NONE"},
    ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    StoppingCondition={"MaxRuntimeInSeconds": 3600})
sm.create_training_job(**request)
try:
    sm.create_training_job(**request)
    raise SystemExit("a duplicate job name was accepted")
except ClientError as e:
    assert e.response["Error"]["Code"] == "ResourceInUse", e
job = poll(lambda: sm.describe_training_job(TrainingJobName="boto3-check"),
           lambda j: j["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"))
assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
print("training job:", [t["Status"] for t in job["SecondaryStatusTransitions"]])

group = "/aws/sagemaker/TrainingJobs"
stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="boto3-check/")["logStreams"][0]["logStreamName"]
events = awscli("logs", "get-log-events", "--log-group-name", group, "--log-stream-name", stream,
                "--start-from-head", "--output", "json")["events"]
steps = [json.loads(e["message"][4:]) for e in events if e["message"].startswith("tb1 ")]
losses = [s["loss"] for s in steps if s["event"] == "step"]
assert losses and losses[-1] < losses[0], losses
print("%d log lines, loss %.3f to %.3f" % (len(events), losses[0], losses[-1]))

br.create_model_import_job(jobName="boto3-check", importedModelName="boto3-check", roleArn=ROLE,
                           modelDataSource={"s3DataSource": {"s3Uri": job["ModelArtifacts"]["S3ModelArtifacts"]}})
imp = poll(lambda: br.get_model_import_job(jobIdentifier="boto3-check"), lambda j: j["status"] != "InProgress")
assert imp["status"] == "Completed", imp.get("failureMessage")
arn = imp["importedModelArn"]
assert arn in [m["modelArn"] for m in awscli("bedrock", "list-imported-models", "--output", "json")["modelSummaries"]]


def awake(call):
    for _ in range(100):
        try:
            return call()
        except rt.exceptions.ModelNotReadyException:
            time.sleep(0.2)
    raise SystemExit("the model did not wake")


prompt = "<s>[INST] What is the capital of France?[/INST]"
for body, pick in [
    ({"prompt": prompt, "max_tokens": 12, "temperature": 0}, lambda r: r["choices"][0]["text"]),
    ({"prompt": prompt, "max_gen_len": 12, "temperature": 0}, lambda r: r["generation"]),
    ({"messages": [{"role": "user", "content": FACTS[0][0]}], "max_tokens": 12, "temperature": 0},
     lambda r: r["choices"][0]["message"]["content"]),
]:
    r = awake(lambda: rt.invoke_model(modelId=arn, body=json.dumps(body)))
    text = pick(json.loads(r["body"].read()))
    assert text.strip(), body
    print("invoke:", sorted(body), "->", repr(text))
chunks = [json.loads(e["chunk"]["bytes"]) for e in rt.invoke_model_with_response_stream(
    modelId=arn, body=json.dumps({"prompt": prompt, "max_tokens": 12, "temperature": 0}))["body"]]
assert len(chunks) > 1, chunks
print("stream:", "".join(c["choices"][0]["text"] for c in chunks if c.get("choices")))
conv = rt.converse(modelId=arn, messages=[{"role": "user", "content": [{"text": FACTS[0][0]}]}])
print("converse:", conv["output"]["message"]["content"][0]["text"], conv["stopReason"], conv["usage"])

reply = subprocess.run(["aws", "bedrock-runtime", "invoke-model", "--model-id", arn,
                        "--body", json.dumps({"prompt": prompt, "max_tokens": 12, "temperature": 0}), "/dev/stdout"],
                       check=True, capture_output=True, text=True).stdout
assert "Paris" in reply, reply
print("aws bedrock-runtime invoke-model:", json.JSONDecoder().raw_decode(reply)[0]["choices"][0]["text"])
br.delete_imported_model(modelIdentifier=arn)
sys.exit(0)
