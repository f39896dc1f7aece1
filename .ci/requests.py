"""Holds the kept requests for training and import jobs against AWS's own service model.

requests.py TRAINING-FOLDER IMPORT-FOLDER
"""

import json
import pathlib
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

def strict(value, shape, where, problems):
    """What ParamValidator leaves to the service: unknown names, patterns, values and lengths."""
    kind, meta = shape.type_name, shape.metadata
    if kind == "structure":
        for name, v in value.items():
            if name not in shape.members:
                problems.append(f"{where}.{name} is not known")
            else:
                strict(v, shape.members[name], f"{where}.{name}", problems)
        return
    if kind in ("list", "map", "string"):
        if len(value) > meta.get("max", 1 << 30) or len(value) < meta.get("min", 0):
            problems.append(f"{where} has length {len(value)}")
    if kind == "list":
        for n, v in enumerate(value):
            strict(v, shape.member, f"{where}[{n}]", problems)
    elif kind == "map":
        for k, v in value.items():
            strict(k, shape.key, f"{where} key", problems)
            strict(v, shape.value, f"{where}[{k}]", problems)
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            problems.append(f"{where} {value!r} is not one of the service's values")
        # The model's patterns are Java's; \p classes, which Python lacks, are only about letters.
        pattern = meta.get("pattern")
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
            problems.append(f"{where} {value!r} does not match {pattern}")
    elif kind in ("integer", "long"):
        if not meta.get("min", value) <= value <= meta.get("max", value):
            problems.append(f"{where} is {value}")


def check(request, shape):
    problems = []
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        problems.append(report.generate_report())
    else:
        strict(request, shape, "", problems)
    return problems


def hold(service, operation, folder, wanted, broken):
    """Checks the requests of a folder. broken makes requests that must fail of a good one: a check
    that cannot fail shows nothing."""
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    files = sorted(pathlib.Path(folder).glob("*.json"))
    failed = wanted - {f.stem for f in files}
    if failed:
        print("missing:", *sorted(failed))
    for f in files:
        problems = check(json.loads(f.read_text()), shape)
        print(f"{operation} {f.stem}: {'; '.join(problems) or 'valid'}")
        if problems:
            failed.add(f.stem)
    good = json.loads(files[0].read_text())
    for name, bad in broken(good).items():
        if not check(bad, shape):
            print("a broken request was taken:", name)
            failed.add(name)
    print(f"{len(files)} {operation} requests against botocore {botocore.__version__}")
    return bool(failed)


training, importing = sys.argv[1:]
bad = hold("sagemaker", "CreateTrainingJob", training,
    {"one-gpu", "four-gpus", "spot", "vpc", "isolated", "two-nodes", "kms-tags"},
    lambda good: {
        "no role": {k: v for k, v in good.items() if k != "RoleArn"},
        "unknown field": good | {"Spot": True},
        "instance": good | {"ResourceConfig": good["ResourceConfig"] | {"InstanceType": "ml.none.large"}},
        "name": good | {"TrainingJobName": "-x"},
    })
bad |= hold("bedrock", "CreateModelImportJob", importing, {"plain", "kms", "vpc", "tags"},
    lambda good: {
        "no role": {k: v for k, v in good.items() if k != "roleArn"},
        "unknown field": good | {"stop": True},
        "name with dots": good | {"importedModelName": "Mistral-7B-v0.3"},
        "location": good | {"modelDataSource": {"s3DataSource": {"s3Uri": "s3://bucket/a b"}}},
    })
sys.exit(bad)
