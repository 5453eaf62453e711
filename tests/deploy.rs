//! What deploy/ would create on AWS, as far as a test without an account can see it. Both templates
//! are equal, and the packaged functions work in the lab with the environment and events of the
//! templates.
//!
//! Skipped, with the reason, if the tools or the packages are missing (deploy/README.md). In CI
//! that fails.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::lab::Setup;
use crate::support::run::{self, kind};
use crate::support::template::{Parameters, Template, folder, sam, serverless};
use crate::support::{skipped, wait_until};

const KATE: &str = r#"{ "name": "Kate", "superpower": "Distributed Tracing" }"#;
const MAX_PACKAGE_BYTES: u64 = 5_000_000;
/// The number of this machine's processor in an ELF file.
const MACHINE: [u8; 2] = match cfg!(target_arch = "aarch64") {
    true => [0xb7, 0],
    false => [0x3e, 0],
};

/// Every parameter of both templates, with a value that is not its default.
fn other_values() -> Parameters<'static> {
    Parameters::from([
        ("architecture", "x86_64"),
        ("memorySize", "512"),
        ("shards", "3"),
        ("producerPropagators", "b3"),
        ("producerInject", "tracecontext,b3"),
        ("producerExtract", "b3multi"),
        ("consumerPropagators", "b3multi"),
        ("consumerExtract", "tracecontext"),
        ("consumerRelation", "link"),
        ("extractSelect", "first"),
        ("onConflict", "restart"),
        ("engine", "otel"),
        ("xraySource", "environment"),
        ("sampler", "parentbased_traceidratio"),
        ("samplerArgument", "0.5"),
        ("exporter", "console"),
        ("otlpEndpoint", "https://collector.example:4318"),
        ("zipkinEndpoint", "https://zipkin.example/api/v2/spans"),
        ("splunkRealm", "eu0"),
        ("otlpHeadersSecret", "baton/otlp"),
        (
            "splunkTokenSecret",
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:baton/splunk-AbCdEf",
        ),
        ("batchSize", "50"),
        ("batchWindow", "2"),
        ("retries", "5"),
    ])
}

/// The resources that must be equal in both templates.
fn said(template: &Template) -> Value {
    let function = |name: &str| {
        let mut function = template.resource("AWS::Lambda::Function", name);
        let members = function.as_object_mut().expect("properties");
        // the address of the package, and what each tool adds
        for own in ["Code", "LoggingConfig", "Tags"] {
            members.remove(own);
        }
        let role = template.resource("AWS::IAM::Role", name);
        let log = template.resource("AWS::Logs::LogGroup", name);
        json!({ "function": function, "role": role, "log": log })
    };
    let mut mapping = template.resource("AWS::Lambda::EventSourceMapping", "");
    let members = mapping.as_object_mut().expect("properties");
    // a mapping is enabled by default, and the templates name the function in two ways
    for own in ["Enabled", "FunctionName"] {
        members.remove(own);
    }
    json!({
        "producer": function("Producer"),
        "consumer": function("Consumer"),
        "mapping": mapping,
        "stream": template.resource("AWS::Kinesis::Stream", ""),
        "undeliverable": template.resource("AWS::SQS::Queue", ""),
        "endpoints": template.resource("AWS::ApiGateway::RestApi", "")["EndpointConfiguration"],
    })
}

#[tokio::test]
async fn both_templates_say_the_same() {
    for parameters in [Parameters::new(), other_values()] {
        let (Some(serverless), Some(sam)) = (serverless(&parameters).await, sam(&parameters).await)
        else {
            return;
        };
        let (serverless, sam) = (said(&serverless), said(&sam));
        assert_eq!(serverless, sam, "{serverless:#}\n{sam:#}");
        let mapping = &sam["mapping"];
        assert_eq!(
            mapping["FunctionResponseTypes"],
            json!(["ReportBatchItemFailures"])
        );
        assert_eq!(mapping["BisectBatchOnFunctionError"], true);
        assert_eq!(
            mapping["DestinationConfig"]["OnFailure"]["Destination"],
            "AWS::SQS::Queue.Arn"
        );
    }
}

#[tokio::test]
async fn a_function_has_only_the_permissions_that_it_needs() {
    let Some(template) = sam(&Parameters::new()).await else {
        return;
    };
    let may = |name: &str| {
        let role = template.resource("AWS::IAM::Role", name);
        let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
        let statements = statements.as_array().expect("statements").iter();
        let may = statements.map(|statement| json!([statement["Action"], statement["Resource"]]));
        may.collect::<Vec<_>>()
    };
    let log = json!([
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        "AWS::Logs::LogGroup.Arn"
    ]);
    assert_eq!(
        may("Producer"),
        [
            json!(["kinesis:PutRecord", "AWS::Kinesis::Stream.Arn"]),
            log.clone()
        ]
    );
    assert_eq!(
        may("Consumer"),
        [
            json!([
                [
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards"
                ],
                "AWS::Kinesis::Stream.Arn"
            ]),
            json!(["sqs:SendMessage", "AWS::SQS::Queue.Arn"]),
            log
        ]
    );
}

#[tokio::test]
async fn a_secret_is_named_and_never_written_down() {
    for parameters in [Parameters::new(), other_values()] {
        let (Some(serverless), Some(sam)) = (serverless(&parameters).await, sam(&parameters).await)
        else {
            return;
        };
        for template in [serverless, sam] {
            for name in ["Producer", "Consumer"] {
                let variables = environment(&template, name);
                for (variable, parameter) in [
                    ("SPLUNK_ACCESS_TOKEN", "splunkTokenSecret"),
                    ("OTEL_EXPORTER_OTLP_HEADERS", "otlpHeadersSecret"),
                ] {
                    let expected = match parameters.get(parameter) {
                        Some(secret) => format!("{{{{resolve:secretsmanager:{secret}}}}}"),
                        None => String::new(),
                    };
                    assert_eq!(variables[variable], expected);
                }
            }
        }
    }
}

fn environment(template: &Template, function: &str) -> Value {
    template.resource("AWS::Lambda::Function", function)["Environment"]["Variables"].clone()
}

/// Takes `bootstrap` from a function's package, or gives `None` if the package was not built.
fn bootstrap(function: &str, place: &Path) -> Option<PathBuf> {
    let package = folder().join(format!("{function}.zip"));
    let Ok(file) = File::open(&package) else {
        skipped(&format!(
            "{} leads nowhere; build the packages as deploy/README.md says",
            package.display()
        ));
        return None;
    };
    let size = file.metadata().expect("its size").len();
    assert!(size < MAX_PACKAGE_BYTES, "{size} bytes");
    let mut package = zip::ZipArchive::new(file).expect("a zip");
    let mut entry = package.by_name("bootstrap").expect("bootstrap");
    let mode = entry.unix_mode().expect("permissions");
    assert_eq!(mode & 0o111, 0o111, "{mode:o}");
    let mut program = Vec::new();
    entry.read_to_end(&mut program).expect("a program");
    if program.get(18..20) != Some(&MACHINE) {
        skipped(&format!("the {function} was built for another processor"));
        return None;
    }
    std::fs::create_dir_all(place).expect("a folder");
    let path = place.join("bootstrap");
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .expect("a new file");
    file.write_all(&program).expect("room");
    let permissions = std::fs::Permissions::from_mode(mode);
    file.set_permissions(permissions).expect("its own file");
    Some(path)
}

/// A command that starts a packaged function with the variables of the template. The lab sets the
/// others.
fn command(template: &Template, function: &str, bootstrap: &Path) -> String {
    let (first, rest) = function.split_at(1);
    let variables = environment(template, &format!("{}{rest}", first.to_uppercase()));
    let variables = variables.as_object().expect("variables").iter();
    let words = variables
        .filter(|(name, value)| match (name.as_str(), value.as_str()) {
            // the one parameter without a usable default: where the spans go, which is the lab here
            ("OTEL_EXPORTER_OTLP_ENDPOINT", value) => {
                assert_eq!(value, Some(""));
                false
            }
            ("KINESIS_STREAM", value) => {
                assert_eq!(value, Some("AWS::Kinesis::Stream"));
                false
            }
            _ => true,
        })
        .map(|(name, value)| format!("'{name}={}'", value.as_str().expect("text")));
    let words: Vec<_> = words.collect();
    format!(
        "{function}=env {} '{}'",
        words.join(" "),
        bootstrap.display()
    )
}

/// The result of one request to the packaged functions.
async fn verdict(template: &Template) -> Option<Value> {
    let mut setup = Setup::new();
    for function in ["producer", "consumer"] {
        let bootstrap = bootstrap(function, &setup.path(function))?;
        setup = setup.flags(["--function", &command(template, function, &bootstrap)]);
    }
    let mapping = template.resource("AWS::Lambda::EventSourceMapping", "");
    let window = format!("{}s", text(&mapping["MaximumBatchingWindowInSeconds"]));
    let timeout = &template.resource("AWS::Lambda::Function", "Producer")["Timeout"];
    let mut lab = setup
        .flags(["--batch-size", text(&mapping["BatchSize"])])
        .flags(["--retries", text(&mapping["MaximumRetryAttempts"])])
        .flags(["--batch-window", &window])
        .flags(["--timeout", &format!("{}s", text(timeout))])
        .start()
        .await;
    let answer = lab.post(KATE).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            200,
            r#"{"message":"Message placed in the Event Stream: baton"}"#
        )
    );
    lab.wait_for_delivered(1).await;
    wait_until("the spans have arrived", async || {
        (lab.status().await["spans"] == 4).then_some(())
    })
    .await;
    let summary = lab.stop_and_sum_up().await;

    let spans = run::spans(&lab.saved);
    let server = run::of(&spans, "producer-lambda", kind::SERVER)[0];
    assert_eq!(server.text("aws.request_id"), answer.request_id);
    assert_eq!(server.text("http.route"), "/producer");
    assert_eq!(run::records(&spans).len(), 1);
    Some(summary["hops"]["record"].clone())
}

#[tokio::test]
async fn the_packaged_functions_do_their_work() {
    let broken = Parameters::from([
        ("producerPropagators", "tracecontext,b3"),
        ("producerInject", "b3"),
        ("consumerExtract", "tracecontext"),
    ]);
    for (parameters, expected) in [
        (Parameters::new(), json!({"connected": 1})),
        (broken, json!({"new_trace": 1})),
    ] {
        let (Some(serverless), Some(sam)) = (serverless(&parameters).await, sam(&parameters).await)
        else {
            return;
        };
        for template in [serverless, sam] {
            let Some(verdict) = verdict(&template).await else {
                return;
            };
            assert_eq!(verdict, expected);
        }
    }
}

#[tokio::test]
async fn the_route_is_the_labs() {
    let (Some(serverless), Some(sam)) = (
        serverless(&Parameters::new()).await,
        sam(&Parameters::new()).await,
    ) else {
        return;
    };
    let lab = Setup::new().unsaved().start().await;
    let route = "/dev/producer";
    assert!(lab.addresses.endpoint.ends_with(route));

    let stage = &serverless.resource("AWS::ApiGateway::Deployment", "")["StageName"];
    let resource = &serverless.resource("AWS::ApiGateway::Resource", "")["PathPart"];
    let method = serverless.resource("AWS::ApiGateway::Method", "");
    assert_eq!(*route, format!("/{}/{}", text(stage), text(resource)));
    assert_eq!(method["HttpMethod"], "POST");
    assert_eq!(method["Integration"]["Type"], "AWS_PROXY");

    let stage = &sam.resource("AWS::ApiGateway::Stage", "")["StageName"];
    let paths = &sam.resource("AWS::ApiGateway::RestApi", "")["Body"]["paths"];
    let (path, methods) = paths
        .as_object()
        .expect("paths")
        .iter()
        .next()
        .expect("a path");
    assert_eq!(*route, format!("/{}{path}", text(stage)));
    let integration = &methods["post"]["x-amazon-apigateway-integration"];
    assert_eq!(integration["type"], "aws_proxy");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
