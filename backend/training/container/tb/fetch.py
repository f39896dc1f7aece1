"""Fetches the base model's files from the Hugging Face hub, when no channel brings them.

The access token comes from Secrets Manager by the ARN of a secret. It lives in this
process only: not in the job's description, where anybody who may see the job could read
it, not in the log and not in the workers' environment.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from tb import failure
from tb.events import warn
from tb.failure import JobError
from tb.paths import Paths

SECRET_VARIABLE = "TUNEBENCH_HF_TOKEN_SECRET"
# The repository also holds the same weights a second time, in another form.
WANTED = ["*.json", "tokenizer.model", "model*.safetensors"]


def token() -> str | None:
    arn = os.environ.get(SECRET_VARIABLE)
    if not arn:
        given = os.environ.get("HF_TOKEN")
        if given:
            warn(
                "HF_TOKEN stands in the job's environment, where everybody who may describe the job can read it; "
                f"use {SECRET_VARIABLE} with the ARN of a secret"
            )
        return given
    try:
        import boto3

        region = arn.split(":")[3]
        text: str = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=arn)["SecretString"]
    except Exception as e:  # every way in which this fails has the same cure
        raise JobError(
            f"the secret {arn} with the hub's token cannot be read ({type(e).__name__}: {e}); allow secretsmanager:GetSecretValue to the job's role"
        ) from None
    try:
        document = json.loads(text)
    except ValueError:
        return text.strip()
    if isinstance(document, dict) and document:
        return str(document.get("HF_TOKEN") or next(iter(document.values())))
    return text.strip()


def main() -> int:
    paths = Paths.from_environment()
    repository, target = sys.argv[1], Path(sys.argv[2])
    try:
        from huggingface_hub import snapshot_download

        snapshot_download(repository, local_dir=target, allow_patterns=WANTED, token=token() or False)
    except Exception as e:
        if isinstance(e, JobError):
            error: BaseException = e
        else:
            traceback.print_exc()
            error = JobError(failure.with_advice(f"the base model {repository} could not be fetched: {type(e).__name__}: {e}"))
        failure.note(paths.errors, 0, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
