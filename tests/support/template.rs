//! The templates that CloudFormation receives from the two ways to deploy, with their parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::skipped;

/// Parameters of a template, by their name in `serverless.yml`. In `template.yaml` the name begins
/// with a capital.
pub(crate) type Parameters<'a> = BTreeMap<&'a str, &'a str>;

/// A template as CloudFormation sees it.
#[derive(Debug)]
pub(crate) struct Template {
    document: Value,
    parameters: BTreeMap<String, Value>,
}

/// The folder of the templates.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// A tool of the folder, or `None` if it is not installed.
fn tool(path: &str, install: &str) -> Option<PathBuf> {
    let tool = folder().join(path);
    if tool.is_file() {
        return Some(tool);
    }
    skipped(&format!(
        "{} is missing; run `{install}` in deploy",
        tool.display()
    ));
    None
}

async fn output(command: &mut Command) -> Vec<u8> {
    let output = command
        .current_dir(folder())
        .stdin(Stdio::null())
        // no account, and no settings of the tester
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_PROFILE")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .await
        .expect("the tool runs");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// osls first writes to one folder beside `serverless.yml`, wherever the package goes.
static OSLS: Mutex<()> = Mutex::const_new(());

/// The output of `osls package` for `serverless.yml`, or `None` if osls is not installed.
pub(crate) async fn serverless(parameters: &Parameters<'_>) -> Option<Template> {
    let osls = tool("node_modules/.bin/osls", "npm ci")?;
    let package = TempDir::new().expect("a temporary folder");
    let mut command = Command::new(osls);
    command.arg("package").arg("--package").arg(package.path());
    for (name, value) in parameters {
        command.arg(format!("--param={name}={value}"));
    }
    let alone = OSLS.lock().await;
    output(command.env("SLS_TELEMETRY_DISABLED", "1")).await;
    drop(alone);
    let template = package
        .path()
        .join("cloudformation-template-update-stack.json");
    Some(Template {
        document: super::run::json(&template),
        parameters: BTreeMap::new(),
    })
}

/// The output of SAM for `template.yaml`, or `None` if its translator is not installed.
pub(crate) async fn sam(parameters: &Parameters<'_>) -> Option<Template> {
    let python = tool(
        ".venv/bin/python",
        "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
    )?;
    let mut command = Command::new(python);
    let printed = output(command.args(["cloudformation.py", "template.yaml"])).await;
    let document: Value = serde_json::from_slice(&printed).expect("JSON");
    let declared = document["Parameters"].as_object().expect("parameters");
    let mut values: BTreeMap<_, _> = declared
        .iter()
        .map(|(name, parameter)| (name.clone(), parameter["Default"].clone()))
        .collect();
    for (name, value) in parameters {
        let (first, rest) = name.split_at(1);
        let value = Value::from(*value);
        let replaced = values.insert(format!("{}{rest}", first.to_uppercase()), value);
        assert!(replaced.is_some(), "template.yaml has no parameter {name}");
    }
    Some(Template {
        document,
        parameters: values,
    })
}

impl Template {
    /// The properties of the only resource of this type whose name begins with `name`, resolved.
    pub(crate) fn resource(&self, kind: &str, name: &str) -> Value {
        let mut found = self
            .resources()
            .iter()
            .filter(|(id, resource)| resource["Type"] == kind && id.starts_with(name));
        let (Some((_, resource)), None) = (found.next(), found.next()) else {
            panic!("not one {kind} whose name begins with {name:?}: {self:?}")
        };
        self.resolved(&resource["Properties"])
    }

    fn resources(&self) -> &Map<String, Value> {
        self.document["Resources"].as_object().expect("resources")
    }

    /// The value with parameters, conditions and references resolved. A value that only AWS knows
    /// becomes its type. Numbers become text, because CloudFormation treats them alike.
    fn resolved(&self, value: &Value) -> Value {
        match value {
            Value::Object(object) => match object.iter().next() {
                Some((function, argument)) if object.len() == 1 => match function.as_str() {
                    "Ref" => self.reference(argument.as_str().expect("a name")),
                    "Fn::GetAtt" => {
                        let words = [&argument[0], &argument[1]];
                        let [resource, attribute] =
                            words.map(|word| word.as_str().expect("a name"));
                        self.attribute(resource, attribute).into()
                    }
                    "Fn::If" => {
                        let holds = self.holds(&argument[0]);
                        self.resolved(&argument[if holds { 1 } else { 2 }])
                    }
                    "Fn::Sub" => self.substituted(argument.as_str().expect("text")).into(),
                    _ => self.members(object),
                },
                _ => self.members(object),
            },
            Value::Array(list) => list.iter().map(|value| self.resolved(value)).collect(),
            Value::Number(number) => number.to_string().into(),
            other => other.clone(),
        }
    }

    fn members(&self, object: &Map<String, Value>) -> Value {
        let members = object.iter();
        let resolved = members.map(|(name, value)| (name.clone(), self.resolved(value)));
        Value::Object(resolved.collect())
    }

    fn reference(&self, name: &str) -> Value {
        match (name, self.parameters.get(name)) {
            ("AWS::StackName", _) => "baton".into(),
            (_, Some(value)) => self.resolved(value),
            (pseudo, None) if pseudo.starts_with("AWS::") => pseudo.into(),
            _ => self.resources()[name]["Type"].clone(),
        }
    }

    fn attribute(&self, resource: &str, attribute: &str) -> String {
        let kind = self.resources()[resource]["Type"].as_str();
        format!("{}.{attribute}", kind.expect("a type"))
    }

    fn substituted(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a closed reference");
            let value = match name.split_once('.') {
                Some((resource, attribute)) => self.attribute(resource, attribute).into(),
                None => self.reference(name),
            };
            filled.push_str(value.as_str().expect("text"));
            filled.push_str(rest);
        }
        filled
    }

    /// Whether a condition holds: one by its name, or `Fn::Not` and `Fn::Equals`.
    fn holds(&self, condition: &Value) -> bool {
        if let Some(name) = condition.as_str() {
            return self.holds(&self.document["Conditions"][name]);
        }
        match (&condition["Fn::Not"], &condition["Fn::Equals"]) {
            (Value::Array(condition), _) => !self.holds(&condition[0]),
            (_, Value::Array(sides)) => self.resolved(&sides[0]) == self.resolved(&sides[1]),
            _ => panic!("a condition of another kind: {condition}"),
        }
    }
}
