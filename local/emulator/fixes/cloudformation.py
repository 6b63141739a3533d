"""CloudFormation: resource types that ministack rejects, and properties that it ignores."""

from ministack.services import dynamodb

from . import adds, handles, uses

# Listed in the stack, without any effect.
WITHOUT_EFFECT = (
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Logs::QueryDefinition",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
)

uses(dynamodb, "_ttl_settings", "_pitr_settings", "_tables", "_sse_description_from_spec")


def _placeholder(logical_id, _props, stack_name):
    name = f"{stack_name}-{logical_id}"
    return name, {"Arn": name, "Id": name}


def add_types():
    """AWS has these types; ministack rejects a template with one of them."""
    for resource_type in WITHOUT_EFFECT:
        adds(
            resource_type,
            create=_placeholder,
            update=lambda physical_id, *_: (physical_id, {"Arn": physical_id, "Id": physical_id}),
            delete=lambda *_: None,
        )


def _set_ttl(table_name, props):
    setting = props.get("TimeToLiveSpecification") or {}
    if setting.get("AttributeName"):
        enabled = str(setting.get("Enabled")).lower() == "true"
        dynamodb._ttl_settings[table_name] = {
            "TimeToLiveStatus": "ENABLED" if enabled else "DISABLED",
            "AttributeName": setting["AttributeName"],
        }


def _set_protection(table_name, props):
    recovery = (props.get("PointInTimeRecoverySpecification") or {}).get("PointInTimeRecoveryEnabled")
    dynamodb._pitr_settings[table_name] = str(recovery).lower() == "true"
    encryption = dict(props.get("SSESpecification") or {})
    # The template's property is SSEEnabled, the API's is Enabled.
    encryption["Enabled"] = str(encryption.pop("SSEEnabled", encryption.get("Enabled"))).lower() == "true"
    dynamodb._tables[table_name]["SSEDescription"] = dynamodb._sse_description_from_spec(encryption)


@handles("AWS::DynamoDB::Table", "create")
def create_table(create, logical_id, props, stack_name):
    """AWS applies TTL, encryption and backups of the template; ministack ignores them."""
    name, attributes = create(logical_id, props, stack_name)
    _set_ttl(name, props)
    _set_protection(name, props)
    return name, attributes


@handles("AWS::DynamoDB::Table", "update")
def update_table(update, physical_id, old_props, new_props, *args):
    """Does the same at an update."""
    name, attributes = update(physical_id, old_props, new_props, *args)
    _set_ttl(name, new_props)
    _set_protection(name, new_props)
    return name, attributes


def _alarm(name):
    return name, {"Arn": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"}


@handles("AWS::CloudWatch::Alarm", "create")
def create_alarm(create, logical_id, props, stack_name):
    """AWS supports alarms on metric math; ministack rejects them. Here they deploy, and are never evaluated."""
    if props.get("Metrics"):
        return _alarm(props.get("AlarmName") or f"{stack_name}-{logical_id}")
    return create(logical_id, props, stack_name)


@handles("AWS::CloudWatch::Alarm", "update")
def update_alarm(update, physical_id, old_props, new_props, *args):
    """Does the same at an update."""
    if new_props.get("Metrics"):
        return _alarm(physical_id)
    return update(physical_id, old_props, new_props, *args)
