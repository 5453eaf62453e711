"""Prints what CloudFormation is given of template.yaml, as JSON: what `sam deploy` has AWS do, without an account."""

import json
import pathlib
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template names no managed policy, so none has to be looked up."""

    def load(self):
        return {}


def main(template):
    document = yaml_parse(pathlib.Path(template).read_text(encoding="utf-8"))
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam deploy` uploads the package and writes its address here
            resource["Properties"]["CodeUri"] = {
                "Bucket": "packages",
                "Key": resource["Properties"]["CodeUri"],
            }
    print(json.dumps(transform(document, {}, NoManagedPolicies()), indent=1))


main(sys.argv[1])
