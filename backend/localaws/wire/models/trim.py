"""Makes service-models.json.gz from an installed botocore.

    python3 -m venv venv && venv/bin/pip install boto3
    venv/bin/python trim.py service-models.json.gz

Kept: for every operation its name and, where the path decides, its method and
path; for the operations in INPUTS the input shapes with their constraints;
the HTTP status of every modeled error. Documentation, outputs, examples and
endpoint rules are dropped. The same botocore gives the same bytes.
"""
import gzip
import json
import os
import sys

import botocore

INPUTS = {
    "sagemaker": """CreateTrainingJob DescribeTrainingJob ListTrainingJobs StopTrainingJob UpdateTrainingJob
        DeleteTrainingJob AddTags ListTags DeleteTags CreateModel DescribeModel ListModels DeleteModel Search""",
    "logs": """CreateLogGroup CreateLogStream PutLogEvents DescribeLogGroups ListLogGroups DescribeLogStreams
        GetLogEvents FilterLogEvents StartLiveTail DeleteLogGroup DeleteLogStream PutRetentionPolicy
        ListTagsForResource TagResource UntagResource""",
    "bedrock": """CreateModelImportJob GetModelImportJob ListModelImportJobs ListImportedModels GetImportedModel
        DeleteImportedModel ListFoundationModels GetFoundationModel ListInferenceProfiles GetInferenceProfile
        ListCustomModels GetCustomModel ListGuardrails ListProvisionedModelThroughputs
        TagResource UntagResource ListTagsForResource""",
    "bedrock-runtime": """InvokeModel InvokeModelWithResponseStream Converse ConverseStream CountTokens
        ApplyGuardrail""",
    "sts": "GetCallerIdentity",
    "s3": "",
}
CONSTRAINTS = ("type", "required", "min", "max", "pattern", "enum", "document", "timestampFormat", "payload")
PLACES = ("shape", "location", "locationName", "streaming")


def newest(service):
    folder = os.path.join(os.path.dirname(botocore.__file__), "data", service)
    version = sorted(v for v in os.listdir(folder) if v[:2] == "20")[-1]
    path = os.path.join(folder, version, "service-2.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    with gzip.open(path + ".gz", "rt", encoding="utf-8") as f:
        return json.load(f)


def reference(ref):
    return {k: ref[k] for k in PLACES if k in ref}


def trim(service, wanted):
    model = newest(service)
    shapes = {}

    def walk(name):
        if name in shapes:
            return
        shape = model["shapes"][name]
        kept = shapes[name] = {k: shape[k] for k in CONSTRAINTS if k in shape}
        if "members" in shape:
            kept["members"] = {n: reference(m) for n, m in shape["members"].items()}
        children = list(shape.get("members", {}).values())
        for k in ("member", "key", "value"):
            if k in shape:
                kept[k] = reference(shape[k])
                children.append(shape[k])
        for child in children:
            walk(child["shape"])

    operations = {}
    for name, op in sorted(model["operations"].items()):
        kept = operations[name] = {}
        http = op.get("http", {})
        if http.get("requestUri", "/") != "/" or http.get("method", "POST") != "POST":
            kept["method"], kept["uri"] = http["method"], http["requestUri"]
        if http.get("responseCode", 200) != 200:
            kept["status"] = http["responseCode"]
        if name in wanted and "input" in op:
            kept["input"] = op["input"]["shape"]
            walk(kept["input"])
    missing = [n for n in wanted if n not in operations]
    if missing:
        sys.exit(f"{service}: this botocore has no {missing}")
    errors = {}
    for name, shape in model["shapes"].items():
        if shape.get("exception"):
            error = shape.get("error", {})
            errors[error.get("code", name)] = error.get("httpStatusCode", 400)
    meta = model["metadata"]
    return {
        "protocol": meta["protocol"],
        "signing": meta.get("signingName", meta["endpointPrefix"]),
        "target": meta.get("targetPrefix", ""),
        "operations": operations,
        "errors": errors,
        "shapes": shapes,
    }


def main():
    out = {"botocore": botocore.__version__, "services": {}}
    for service, names in INPUTS.items():
        out["services"][service] = trim(service, names.split())
    data = json.dumps(out, sort_keys=True, separators=(",", ":")).encode()
    with open(sys.argv[1], "wb") as f:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=f, mtime=0) as z:
            z.write(data)
    print(len(data), "bytes,", os.path.getsize(sys.argv[1]), "compressed", file=sys.stderr)


main()
