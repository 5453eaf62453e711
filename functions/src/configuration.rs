//! A function's configuration: every environment variable, checked before the function starts.
//!
//! The variables have their usual names: OpenTelemetry's (`OTEL_*`), the AWS SDK's and Lambda's
//! (`AWS_*`), and baton's own (`BATON_*`) where no standard has a name.

mod exporter_variables;
pub(crate) mod settings;
mod telemetry;
mod variables;

use baton_propagators::lambda::Function;
use baton_propagators::{Problem, Propagation};

use self::settings::{AwsSettings, Relation, StreamSettings, TelemetrySettings};
pub use self::variables::{Topic, VARIABLES, Variable};

/// A function's whole configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub(crate) propagation: Propagation,
    pub(crate) relation: Relation,
    /// The stream of the producer. The consumer learns its stream from its events.
    pub(crate) stream: Option<StreamSettings>,
    pub(crate) telemetry: TelemetrySettings,
}

impl Configuration {
    /// Reads the configuration of `function`. `variable` looks up an environment variable. An empty
    /// value counts as unset, as the OpenTelemetry specification requires.
    ///
    /// # Errors
    /// All problems at once. Each names the variable, its value and the accepted values.
    pub fn from_environment(
        function: Function,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<Problem>> {
        let mut environment = Environment {
            variable: &|name| variable(name).filter(|value| !value.trim().is_empty()),
            problems: Vec::new(),
        };
        let propagation = environment.propagation();
        let relation = environment.one_of(
            "BATON_CONSUMER_RELATION",
            &[("parent", Relation::Parent), ("link", Relation::Link)],
        );
        let telemetry = environment.telemetry(function);
        let stream = match function {
            Function::Producer => environment.stream(),
            Function::Consumer => None,
        };
        match propagation {
            Some(propagation) if environment.problems.is_empty() => Ok(Configuration {
                propagation,
                relation: relation.unwrap_or_default(),
                stream,
                telemetry,
            }),
            _ => Err(environment.problems),
        }
    }
}

struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    fn problem(&mut self, variable: &'static str, value: &str, expected: &str) {
        self.problems.push(Problem {
            variable,
            value: value.to_owned(),
            reason: format!("expected {expected}"),
        });
    }

    fn propagation(&mut self) -> Option<Propagation> {
        Propagation::from_environment(self.variable)
            .map_err(|problems| self.problems.extend(problems))
            .ok()
    }

    fn one_of<T: Copy>(&mut self, name: &'static str, accepted: &[(&str, T)]) -> Option<T> {
        let value = self.get(name)?;
        let found = accepted
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(value.trim()));
        if found.is_none() {
            let words: Vec<_> = accepted.iter().map(|(word, _)| *word).collect();
            self.problem(name, &value, &format!("one of {}", words.join(", ")));
        }
        found.map(|(_, meaning)| *meaning)
    }

    fn stream(&mut self) -> Option<StreamSettings> {
        let name = self.get("KINESIS_STREAM");
        if name.is_none() {
            self.problem(
                "KINESIS_STREAM",
                "",
                "the name of the stream to put records on",
            );
        }
        let kinesis_endpoint = self
            .get("AWS_ENDPOINT_URL_KINESIS")
            .or_else(|| self.get("AWS_ENDPOINT_URL"));
        Some(StreamSettings {
            name: name?,
            aws: AwsSettings {
                region: self
                    .get("AWS_REGION")
                    .unwrap_or_else(|| "us-east-1".to_owned()),
                kinesis_endpoint,
                access_key_id: self.get("AWS_ACCESS_KEY_ID").unwrap_or_default(),
                secret_access_key: self.get("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
                session_token: self.get("AWS_SESSION_TOKEN"),
            },
        })
    }

    fn number(
        &mut self,
        name: &'static str,
        expected: &str,
        accepted: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        let value = self.get(name)?;
        let number = value.trim().parse().ok().filter(|number| accepted(*number));
        if number.is_none() {
            self.problem(name, &value, expected);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::settings::Exporter;

    fn read(function: Function, variables: &[(&str, &str)]) -> Result<Configuration, Vec<String>> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(found.1.to_owned())
        };
        Configuration::from_environment(function, lookup)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn defaults_are_those_of_the_opentelemetry_specification() {
        let configuration =
            read(Function::Consumer, &[("OTEL_TRACES_SAMPLER", "")]).expect("valid");
        assert_eq!(
            configuration.propagation.inject.to_string(),
            "tracecontext,baggage"
        );
        assert_eq!(configuration.telemetry.service_name, "consumer-lambda");
        assert_eq!(configuration.telemetry.exporters, [Exporter::Otlp]);
        let sampler = configuration.telemetry.sampler;
        assert!(sampler.parent_based && sampler.ratio >= 1.0);
        assert_eq!(configuration.relation, Relation::Parent);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let problems = read(
            Function::Producer,
            &[
                ("OTEL_PROPAGATORS", "w4c"),
                ("BATON_CONSUMER_RELATION", "child"),
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "2"),
                ("OTEL_TRACES_EXPORTER", "otlp,jaeger"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_SDK_DISABLED", "yes"),
                ("BATON_FLUSH_TIMEOUT", "0"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hush@[bad"),
                ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "user:hush@zipkin"),
                ("SPLUNK_REALM", "us0.hush.example"),
                ("SPLUNK_ACCESS_TOKEN", "hush"),
            ],
        )
        .expect_err("invalid");
        for (variable, value) in [
            ("OTEL_PROPAGATORS", "w4c"),
            ("BATON_CONSUMER_RELATION", "child"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("OTEL_TRACES_EXPORTER", "otlp,jaeger"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_SDK_DISABLED", "yes"),
            ("BATON_FLUSH_TIMEOUT", "0"),
            ("KINESIS_STREAM", ""),
        ] {
            assert!(
                problems
                    .iter()
                    .any(|problem| problem.contains(variable) && problem.contains(value)),
                "{variable} is missing in {problems:?}"
            );
        }
        assert_eq!(problems.len(), 11, "{problems:?}");
        assert!(!problems.concat().contains("hush"), "{problems:?}");
    }

    #[test]
    fn values_that_exporters_cannot_read_stop_the_function_and_secrets_are_not_shown() {
        for (suffix, value) in [
            ("ENDPOINT", "http://kate:hush pass@127.0.0.1:9"),
            ("ENDPOINT", "http://kate:hush@127.0.0.1:9"),
            ("ENDPOINT", " http://127.0.0.1:9"),
            ("HEADERS", "hush"),
            ("HEADERS", "x-key=hush,hush"),
            ("HEADERS", "x key=hush"),
            ("HEADERS", "x-key="),
            ("COMPRESSION", "zstd"),
            ("COMPRESSION", "lz4"),
            ("TIMEOUT", "abc"),
            ("TIMEOUT", "-5"),
        ] {
            for signal in ["", "TRACES_"] {
                let name = format!("OTEL_EXPORTER_OTLP_{signal}{suffix}");
                let problems = read(Function::Consumer, &[(&name, value)]).expect_err(value);
                let [problem] = &problems[..] else {
                    panic!("{name}={value}: {problems:?}")
                };
                assert!(problem.contains(&name), "{problem}");
                assert!(!problem.contains("hush"), "{problem}");
            }
        }
        for (suffix, value) in [
            ("ENDPOINT", "https://otlp.example:4318/base"),
            ("HEADERS", "x-key=hush, authorization=Basic%20aHVzaDpodXNo,"),
            ("COMPRESSION", "GZIP"),
            ("COMPRESSION", "none"),
            ("TIMEOUT", "2500"),
        ] {
            let name = format!("OTEL_EXPORTER_OTLP_{suffix}");
            read(Function::Consumer, &[(&name, value)]).expect(value);
        }
    }

    #[test]
    fn exporters_are_a_list() {
        for (value, exporters) in [
            ("none", vec![]),
            ("console", vec![Exporter::Console]),
            ("zipkin,otlp", vec![Exporter::Zipkin, Exporter::Otlp]),
            ("otlp, console", vec![Exporter::Otlp, Exporter::Console]),
        ] {
            let configuration =
                read(Function::Consumer, &[("OTEL_TRACES_EXPORTER", value)]).expect("valid");
            assert_eq!(configuration.telemetry.exporters, exporters, "{value}");
        }
    }

    #[test]
    fn splunk_takes_a_realm_and_a_token() {
        let splunk = |variables: &[_]| {
            let configuration = read(Function::Consumer, variables)?;
            Ok::<_, Vec<String>>(configuration.telemetry.splunk)
        };
        let (realm, token) = (("SPLUNK_REALM", "us0"), ("SPLUNK_ACCESS_TOKEN", "hush"));
        let ingest = splunk(&[realm, token]).expect("valid").expect("there");
        assert!(ingest.endpoint().starts_with("https://ingest.us0."));
        assert!(
            splunk(&[realm, token]).is_ok_and(|ingest| !format!("{ingest:?}").contains("hush"))
        );
        assert!(
            splunk(&[("SPLUNK_REALM", ""), ("SPLUNK_ACCESS_TOKEN", " ")])
                .is_ok_and(|ingest| ingest.is_none())
        );
        for (alone, missing) in [(realm, token), (token, realm)] {
            let problems = splunk(&[alone]).expect_err("half of it").concat();
            for words in [missing.0, alone.0, "both or neither"] {
                assert!(problems.contains(words), "{words} is missing in {problems}");
            }
            assert!(!problems.contains("hush"), "{problems}");
        }
        for (exporters, sends_nothing_there) in
            [("console", true), ("none", false), ("console,otlp", false)]
        {
            let variables = [realm, token, ("OTEL_TRACES_EXPORTER", exporters)];
            assert_eq!(
                splunk(&variables).is_err(),
                sends_nothing_there,
                "{exporters}"
            );
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let configuration = read(
            Function::Producer,
            &[
                ("KINESIS_STREAM", "s"),
                ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
            ],
        )
        .expect("valid");
        assert!(!format!("{configuration:?}").contains("hush"));
    }
}
