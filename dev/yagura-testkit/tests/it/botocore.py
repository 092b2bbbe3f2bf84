"""Asks a server what botocore is told to ask, and prints what botocore understood.

stdin: {"url": text, "calls": [{"account", "region", "service", "operation", "input"}]}
stdout: a list with an output or {"error", "message"} per call.
"""

import base64
import datetime
import json
import sys
from urllib.parse import urlsplit, urlunsplit

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(
    retries={"max_attempts": 0},
    s3={"addressing_style": "path"},
    parameter_validation=False,
)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def filling(shape):
    """Something for a member that the call must have and the recording does not look at."""
    if shape.type_name == "string":
        return "other"
    if shape.type_name == "list":
        return [filling(shape.member)]
    if shape.type_name == "structure":
        return {name: filling(shape.members[name]) for name in shape.required_members}
    return 1


def without_prefix(url):
    """S3 Control puts the account before the host, which loopback has no name for."""
    host = urlsplit(url).netloc

    def handler(request, **_):
        request.url = urlunsplit(urlsplit(request.url)._replace(netloc=host))

    return handler


def main():
    asked = json.load(sys.stdin)
    session = botocore.session.Session()
    clients = {}
    answers = []
    for call in asked["calls"]:
        place = (call["account"], call["region"], call["service"])
        if place not in clients:
            clients[place] = session.create_client(
                call["service"],
                region_name=call["region"],
                endpoint_url=asked["url"],
                aws_access_key_id=call["account"],
                aws_secret_access_key="opens-nothing",
                config=CONFIG,
            )
            clients[place].meta.events.register("before-sign", without_prefix(asked["url"]))
        client = clients[place]
        shape = client.meta.service_model.operation_model(call["operation"]).input_shape
        given = filling(shape) if shape else {}
        given.update(call["input"])
        try:
            answer = getattr(client, xform_name(call["operation"]))(**given)
            answer.pop("ResponseMetadata")
            answers.append(plain(answer))
        except ClientError as error:
            told = error.response["Error"]
            answers.append({"error": told["Code"], "message": told.get("Message", "")})
    json.dump(answers, sys.stdout)


main()
