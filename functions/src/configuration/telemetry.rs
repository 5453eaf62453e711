//! The variables that choose which spans are recorded and where they go.

use baton_propagators::lambda::Function;
use std::time::Duration;

use super::Environment;
use crate::configuration::settings::{Exporter, Sampler, TelemetrySettings};
use crate::splunk::{SPLUNK_ACCESS_TOKEN, SPLUNK_REALM, SplunkIngest};

/// The OpenTelemetry protocol that baton's functions use.
const OTLP_PROTOCOL: &str = "http/protobuf";
const DEFAULT_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// The words of `OTEL_TRACES_EXPORTER` besides `none`.
const EXPORTERS: &[Exporter] = &[Exporter::Otlp, Exporter::Zipkin, Exporter::Console];

impl Environment<'_> {
    pub(super) fn telemetry(&mut self, function: Function) -> TelemetrySettings {
        for name in [
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ] {
            self.one_of(name, &[(OTLP_PROTOCOL, ())]);
        }
        self.exporter_variables();
        self.refuse_configuration_file();
        let exporters = self.exporters();
        let splunk = self.splunk();
        // `none` is a choice.
        if splunk.is_some() && !exporters.is_empty() && !exporters.contains(&Exporter::Otlp) {
            let list = self.get("OTEL_TRACES_EXPORTER").unwrap_or_default();
            let expected = "otlp in the list, because SPLUNK_REALM and SPLUNK_ACCESS_TOKEN are set and Splunk gets OTLP";
            self.problem("OTEL_TRACES_EXPORTER", &list, expected);
        }
        TelemetrySettings {
            service_name: self
                .get("OTEL_SERVICE_NAME")
                .unwrap_or_else(|| function.service_name().to_owned()),
            lambda_attributes: self.lambda_attributes(),
            sampler: self.sampler(),
            exporters,
            splunk,
            flush_timeout: self.flush_timeout(),
            disabled: self
                .one_of("OTEL_SDK_DISABLED", &[("true", true), ("false", false)])
                .unwrap_or(false),
        }
    }

    /// <https://opentelemetry.io/docs/specs/semconv/resource/faas/>, from the variables that Lambda
    /// sets.
    fn lambda_attributes(&self) -> Vec<(&'static str, String)> {
        [
            ("faas.name", "AWS_LAMBDA_FUNCTION_NAME"),
            ("faas.version", "AWS_LAMBDA_FUNCTION_VERSION"),
            ("faas.instance", "AWS_LAMBDA_LOG_STREAM_NAME"),
            ("cloud.region", "AWS_REGION"),
        ]
        .into_iter()
        .filter_map(|(attribute, variable)| Some((attribute, self.get(variable)?)))
        .chain([
            ("cloud.provider", "aws".to_owned()),
            ("cloud.platform", "aws_lambda".to_owned()),
        ])
        .collect()
    }

    /// A configuration file would replace all other variables. The functions do not read it, so
    /// they do not start half-configured.
    fn refuse_configuration_file(&mut self) {
        for name in ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"] {
            if let Some(file) = self.get(name) {
                let expected = "no configuration file, because the functions read only variables; unset it, and set \
                                OTEL_PROPAGATORS, OTEL_TRACES_SAMPLER and OTEL_TRACES_EXPORTER";
                self.problem(name, &file, expected);
            }
        }
    }

    fn sampler(&mut self) -> Sampler {
        #[derive(Clone, Copy)]
        enum Root {
            Always(f64),
            Argument,
        }
        let (root, parent_based) = self
            .one_of(
                "OTEL_TRACES_SAMPLER",
                &[
                    ("always_on", (Root::Always(1.0), false)),
                    ("always_off", (Root::Always(0.0), false)),
                    ("traceidratio", (Root::Argument, false)),
                    ("parentbased_always_on", (Root::Always(1.0), true)),
                    ("parentbased_always_off", (Root::Always(0.0), true)),
                    ("parentbased_traceidratio", (Root::Argument, true)),
                ],
            )
            .unwrap_or((Root::Always(1.0), true));
        let ratio = match root {
            Root::Always(ratio) => ratio,
            Root::Argument => self
                .number("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", |ratio| {
                    (0.0..=1.0).contains(&ratio)
                })
                .unwrap_or(1.0),
        };
        Sampler {
            ratio,
            parent_based,
        }
    }

    fn exporters(&mut self) -> Vec<Exporter> {
        let Some(list) = self.get("OTEL_TRACES_EXPORTER") else {
            return vec![Exporter::Otlp];
        };
        let mut exporters = Vec::new();
        for name in list
            .split(',')
            .map(str::trim)
            .filter(|name| *name != "none")
        {
            match EXPORTERS
                .iter()
                .find(|exporter| exporter.to_string() == name)
            {
                Some(exporter) if !exporters.contains(exporter) => exporters.push(*exporter),
                Some(_) => {}
                None => {
                    let words: Vec<_> = EXPORTERS.iter().map(ToString::to_string).collect();
                    let expected = format!("{}, none, or a comma list of them", words.join(", "));
                    self.problem("OTEL_TRACES_EXPORTER", &list, &expected);
                    break;
                }
            }
        }
        exporters
    }

    /// The error repeats neither value, because a user may have swapped them.
    fn splunk(&mut self) -> Option<SplunkIngest> {
        const NOT_SHOWN: &str = "(not shown)";
        match (self.get(SPLUNK_REALM), self.get(SPLUNK_ACCESS_TOKEN)) {
            (None, None) => None,
            (Some(realm), Some(token)) => SplunkIngest::new(&realm, &token)
                .map_err(|(variable, expected)| self.problem(variable, NOT_SHOWN, expected))
                .ok(),
            (Some(_), None) => {
                let expected = "an access token, because SPLUNK_REALM is set; set both or neither";
                self.problem(SPLUNK_ACCESS_TOKEN, "", expected);
                None
            }
            (None, Some(_)) => {
                let expected =
                    "a realm such as us0, because SPLUNK_ACCESS_TOKEN is set; set both or neither";
                self.problem(SPLUNK_REALM, "", expected);
                None
            }
        }
    }

    fn flush_timeout(&mut self) -> Duration {
        self.number(
            "BATON_FLUSH_TIMEOUT",
            "a number of milliseconds above 0",
            |milliseconds| (1.0..=900_000.0).contains(&milliseconds),
        )
        .map_or(DEFAULT_FLUSH_TIMEOUT, |milliseconds| {
            Duration::from_secs_f64(milliseconds / 1000.0)
        })
    }
}
