"""Secrets Manager: rotation functions, secrets without a value, and the ARN as Ref."""

import contextvars
import json
import threading
import time
import uuid

from ministack.services import lambda_svc
from ministack.services import secretsmanager as secrets

from . import adds, handles, replaces, uses

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")

uses(secrets, "_resolve")
uses(lambda_svc, "_get_func_record_for_ref", "_execution_record_for_config", "_execute_function_with_config_scope")


@replaces(secrets, "_rotate_secret")
def rotate_secret(rotate, request):
    """AWS calls the rotation function for each step; ministack copies the current value."""
    _, secret = secrets._resolve(request.get("SecretId"))
    function = secret and (request.get("RotationLambdaARN") or secret.get("RotationLambdaARN"))
    if not function:
        return rotate(request)
    token = request.get("ClientRequestToken") or str(uuid.uuid4())
    secret["RotationLambdaARN"] = function
    secret["RotationRules"] = request.get("RotationRules") or secret.get("RotationRules")
    secret["RotationEnabled"] = True
    for version in secret["Versions"].values():
        version["Stages"] = [stage for stage in version["Stages"] if stage != "AWSPENDING"]
    # Rotation functions expect the pending version to exist, without a value.
    pending = {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"]}
    secret["Versions"].setdefault(token, pending)
    work = _rotate_now if request.get("RotateImmediately", True) else _try_rotation
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work, secret, function, token), daemon=True).start()
    return secrets.json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def _rotate_now(secret, function, token):
    if all(_step(secret, function, token, step) for step in STEPS):
        secret["LastRotatedDate"] = int(time.time())


def _try_rotation(secret, function, token):
    # Without RotateImmediately, AWS runs only the test step, on a version that it then removes.
    _step(secret, function, token, "testSecret")
    if secret["Versions"].get(token, {}).get("Stages") == ["AWSPENDING"]:
        del secret["Versions"][token]


def _step(secret, function, token, step):
    data, config, _ = lambda_svc._get_func_record_for_ref(function)
    if data is None:
        secrets.logger.error("rotation of %s: there is no function %s", secret["Name"], function)
        return False
    event = {
        "Step": step,
        "SecretId": secret["ARN"],
        "ClientRequestToken": token,
        "RotationToken": str(uuid.uuid4()),
    }
    record = lambda_svc._execution_record_for_config(data, config)
    result = lambda_svc._execute_function_with_config_scope(record, event)
    if result.get("error") or result.get("throttle"):
        secrets.logger.error("rotation of %s: step %s failed: %s", secret["Name"], step, result.get("body"))
        return False
    return True


@replaces(secrets, "_get_secret_value")
def get_secret_value(get, request):
    """AWS fails for a version without a value; ministack returns neither string nor bytes."""
    status, headers, body = get(request)
    if status == 200 and not {"SecretString", "SecretBinary"} & json.loads(body).keys():
        stage = request.get("VersionStage", "AWSCURRENT")
        message = f"Secrets Manager can't find the specified secret value for staging label: {stage}"
        return secrets.error_response_json("ResourceNotFoundException", message, 400)
    return status, headers, body


def _name(physical_id):
    _, secret = secrets._resolve(physical_id)
    return secret["Name"] if secret else physical_id


def _arn(physical_id):
    _, secret = secrets._resolve(physical_id)
    return secret["ARN"] if secret else physical_id


def _generated(props):
    """AWS generates a value for an empty GenerateSecretString; ministack ignores it."""
    return {**props, "GenerateSecretString": {"PasswordLength": 32}} if props.get("GenerateSecretString") == {} else props


@handles("AWS::SecretsManager::Secret", "create")
def create_secret(create, logical_id, props, stack_name):
    """On AWS a secret's Ref is its ARN (ministack: its name), and a secret declared without a value has no version."""
    name, attributes = create(logical_id, _generated(props), stack_name)
    _, secret = secrets._resolve(name)
    if secret and not {"SecretString", "GenerateSecretString"} & props.keys():
        secret["Versions"].clear()
    return _arn(name), attributes


@handles("AWS::SecretsManager::Secret", "update")
def update_secret(update, physical_id, old_props, new_props, *args):
    """Ref stays the ARN."""
    name, attributes = update(_name(physical_id), _generated(old_props), _generated(new_props), *args)
    return _arn(name), attributes


@handles("AWS::SecretsManager::Secret", "delete")
def delete_secret(delete, physical_id, *args):
    """Deletes by name, although the stack knows the ARN."""
    return delete(_name(physical_id), *args)


def _schedule(logical_id, props, _stack_name):
    request = {name: props.get(name) for name in ("SecretId", "RotationLambdaARN", "RotationRules")}
    request["RotateImmediately"] = str(props.get("RotateImmediatelyOnUpdate", True)).lower() != "false"
    status, _, body = secrets._rotate_secret(request)
    if status != 200:
        raise ValueError(f"{logical_id}: {body!r}")
    return props["SecretId"], {}


def add_rotation_schedule():
    """AWS has AWS::SecretsManager::RotationSchedule; ministack rejects the type."""
    adds(
        "AWS::SecretsManager::RotationSchedule",
        create=_schedule,
        update=lambda physical_id, _old, new, stack_name: _schedule(physical_id, new, stack_name),
        delete=lambda *_: None,
    )
