//! Tests of modes, pairings, and the settings that a service reads from its environment.

use std::collections::HashMap;

use baton_propagators::{
    Engine, Mode, OnConflict, Pairing, Problem, Problems, Propagation, Propagator, Select,
    XraySource,
};

fn environment(variables: &[(&str, &str)]) -> Result<Propagation, Vec<String>> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Propagation::from_environment(|name| variables.get(name).map(|value| (*value).to_owned()))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_mode_is_a_list_of_names_and_shows_the_standard_ones() {
    for (text, shown) in [
        ("tracecontext", "tracecontext"),
        ("tracecontext,b3", "tracecontext,b3"),
        ("b3,tracecontext", "b3,tracecontext"),
        (" tracecontext , baggage ", "tracecontext,baggage"),
        ("w3c", "tracecontext"),
        ("W3C,Baggage", "tracecontext,baggage"),
        ("mixed", "tracecontext,b3"),
        ("mixed,b3multi", "tracecontext,b3,b3multi"),
        ("none", "none"),
        (" None ", "none"),
    ] {
        let mode: Mode = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(mode.to_string(), shown);
        assert_eq!(mode.is_none(), shown == "none");
        let json = serde_json::to_string(&mode).expect("JSON");
        assert_eq!(json, format!("{shown:?}"));
        assert_eq!(serde_json::from_str::<Mode>(&json).expect("a mode"), mode);
    }
}

#[test]
fn a_wrong_mode_is_refused_with_the_accepted_names() {
    let accepted = "a mode is none, or a comma list of tracecontext, baggage, b3, b3multi, jaeger, xray, datadog, ottrace \
                    (also w3c for tracecontext, mixed for tracecontext,b3)";
    for (text, fault) in [
        ("", "a name is missing"),
        ("b3,", "a name is missing"),
        ("b3,,tracecontext", "a name is missing"),
        ("b4", "unknown format \"b4\""),
        ("b3 tracecontext", "unknown format \"b3 tracecontext\""),
        ("b3,b3", "b3 is listed twice"),
        ("mixed,b3", "b3 is listed twice"),
        ("b3,none", "none cannot be combined with other names"),
        ("none,none", "none cannot be combined with other names"),
    ] {
        let refusal = text.parse::<Mode>().expect_err(text).to_string();
        let place = match fault.contains(&format!("{text:?}")) {
            true => String::new(),
            false => format!(" in {text:?}"),
        };
        assert_eq!(refusal, format!("{fault}{place}; {accepted}"));
    }
}

#[test]
fn a_misspelled_format_is_recognised() {
    for (text, sentence) in [
        (
            "tracecontxt",
            "unknown format \"tracecontxt\" (did you mean tracecontext?)",
        ),
        (
            "b3,Jeager",
            "unknown format \"Jeager\" in \"b3,Jeager\" (did you mean jaeger?)",
        ),
        (
            "b3:b3mutli",
            "unknown format \"b3mutli\" in \"b3:b3mutli\" (did you mean b3multi?)",
        ),
        ("b3:", "a name is missing in \"b3:\"; a mode is none"),
        (
            "a:b:c",
            "a pairing has two modes, the producer's and the consumer's; there are more in \"a:b:c\"",
        ),
        ("zipkin", "unknown format \"zipkin\"; a mode is none"),
    ] {
        let refusal = text.parse::<Pairing>().expect_err(text).to_string();
        assert!(refusal.starts_with(sentence), "{refusal}");
    }
}

#[test]
fn a_pairing_names_both_sides_and_its_directory() {
    for (text, shown, name) in [
        ("b3", "b3:b3", "b3"),
        (
            "tracecontext:tracecontext",
            "tracecontext:tracecontext",
            "tracecontext",
        ),
        ("tracecontext:b3", "tracecontext:b3", "tracecontext_to_b3"),
        ("mixed:b3", "tracecontext,b3:b3", "tracecontext+b3_to_b3"),
        ("none: w3c", "none:tracecontext", "none_to_tracecontext"),
        (
            "w3c,baggage",
            "tracecontext,baggage:tracecontext,baggage",
            "tracecontext+baggage",
        ),
    ] {
        let pairing: Pairing = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pairing.to_string(), shown);
        assert_eq!(pairing.name(), name);
        assert_eq!(shown.parse::<Pairing>().expect("a pairing"), pairing);
        let json = serde_json::to_string(&pairing).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Pairing>(&json).expect("a pairing"),
            pairing
        );
    }
    assert!("b3:".parse::<Pairing>().is_err());
    assert!("b3:b3:b3".parse::<Pairing>().is_err());
}

#[test]
fn without_variables_a_service_uses_tracecontext_and_baggage() {
    for unset in [
        &[][..],
        &[
            ("OTEL_PROPAGATORS", ""),
            ("BATON_INJECT", " "),
            ("BATON_ENGINE", ""),
        ],
    ] {
        let propagation = environment(unset).expect("nothing is wrong");
        assert_eq!(propagation, Propagation::default());
        assert_eq!(propagation.inject.to_string(), "tracecontext,baggage");
        assert_eq!(propagation.extract.to_string(), "tracecontext,baggage");
        assert_eq!(propagation.select, Select::Last);
        assert_eq!(propagation.on_conflict, OnConflict::Keep);
        assert_eq!(propagation.engine, Engine::Native);
    }
}

#[test]
fn each_direction_can_be_overridden() {
    let propagation = environment(&[
        ("OTEL_PROPAGATORS", "b3"),
        ("BATON_EXTRACT", "mixed"),
        ("BATON_EXTRACT_SELECT", "first"),
        ("BATON_ON_CONFLICT", "link"),
        ("BATON_ENGINE", "otel"),
    ])
    .expect("nothing is wrong");
    assert_eq!(propagation.inject.to_string(), "b3");
    assert_eq!(propagation.extract.to_string(), "tracecontext,b3");
    assert_eq!(propagation.select, Select::First);
    assert_eq!(propagation.on_conflict, OnConflict::Link);
    assert_eq!(propagation.engine, Engine::Otel);
}

#[test]
fn otel_propagators_counts_a_duplicate_once_and_our_own_variables_refuse_it() {
    let propagation = environment(&[("OTEL_PROPAGATORS", "b3,tracecontext,b3")])
        .expect("OpenTelemetry allows it");
    assert_eq!(propagation.extract.to_string(), "b3,tracecontext");
    let problems = environment(&[("BATON_INJECT", "b3,b3")]).expect_err("it is a mistake");
    assert!(problems[0].contains("b3 is listed twice"), "{problems:?}");
}

#[test]
fn all_problems_are_reported_at_once_with_variable_value_and_accepted_values() {
    let problems = environment(&[
        ("OTEL_PROPAGATORS", "tracecontxt"),
        ("BATON_INJECT", "none,b3"),
        ("BATON_EXTRACT_SELECT", "middle"),
        ("BATON_ON_CONFLICT", "panic"),
        ("BATON_ENGINE", "java"),
        ("BATON_XRAY_SOURCE", "lambda"),
    ])
    .expect_err("all are wrong");
    let expected = [
        [
            "OTEL_PROPAGATORS=\"tracecontxt\"",
            "tracecontext, baggage, b3, b3multi",
        ],
        [
            "BATON_INJECT=\"none,b3\"",
            "tracecontext, baggage, b3, b3multi",
        ],
        ["BATON_EXTRACT_SELECT=\"middle\"", "last, first"],
        ["BATON_ON_CONFLICT=\"panic\"", "keep, link, restart"],
        ["BATON_ENGINE=\"java\"", "native, otel"],
        ["BATON_XRAY_SOURCE=\"lambda\"", "header, environment"],
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, parts) in problems.iter().zip(expected) {
        assert!(parts.iter().all(|part| problem.contains(part)), "{problem}");
    }
}

#[test]
fn engine_otel_is_refused_where_upstream_has_no_propagator() {
    for (variables, named) in [
        (vec![("OTEL_PROPAGATORS", "tracecontext,jaeger")], "jaeger"),
        (
            vec![
                ("BATON_INJECT", "xray"),
                ("BATON_EXTRACT", "datadog,ottrace,xray"),
            ],
            "xray, datadog, ottrace",
        ),
    ] {
        let engine = |engine| [&variables[..], &[("BATON_ENGINE", engine)]].concat();
        assert!(environment(&engine("native")).is_ok());
        let problems = environment(&engine("otel")).expect_err("there is none");
        let expected = format!(
            "BATON_ENGINE=\"otel\" cannot be used: upstream has no propagator for {named} on OpenTelemetry 0.33; \
             engine native reads and writes it"
        );
        assert_eq!(problems, [expected]);
    }
    let all = "tracecontext,baggage,b3,b3multi";
    assert!(environment(&[("OTEL_PROPAGATORS", all), ("BATON_ENGINE", "otel")]).is_ok());
}

#[test]
fn the_source_of_the_xray_header_is_the_request_unless_told_otherwise() {
    let source = |variables| {
        environment(variables)
            .expect("nothing is wrong")
            .xray_source
    };
    assert_eq!(source(&[]), XraySource::Header);
    assert_eq!(
        source(&[("BATON_XRAY_SOURCE", "environment")]),
        XraySource::Environment
    );
}

#[test]
fn problems_are_reported_one_per_line() {
    let problem = |variable| Problem {
        variable,
        value: "x".to_owned(),
        reason: "it is not a mode".to_owned(),
    };
    let problems = Problems(vec![problem("BATON_INJECT"), problem("BATON_EXTRACT")]);
    assert_eq!(
        problems.to_string(),
        "BATON_INJECT=\"x\" cannot be used: it is not a mode\nBATON_EXTRACT=\"x\" cannot be used: it is not a mode",
    );
}

/// The propagator of a process with this environment, or the error. The process is this test
/// program, which runs one test.
fn propagator_in(variable: &str, value: &std::ffi::OsStr) -> String {
    let test = std::env::current_exe().expect("this program");
    // The test's name is its module path without the name of this crate.
    let (_, module) = module_path!().split_once("::").unwrap_or_default();
    let name = format!("{module}::the_environment_of_this_process");
    let output = std::process::Command::new(test)
        .args(["--exact", &name, "--nocapture"])
        .env(variable, value)
        .env("BATON_TEST_PROPAGATOR", "print")
        .output()
        .expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// Prints the answer for [`propagator_in`]. In any other run it prints nothing.
#[test]
fn the_environment_of_this_process() {
    if std::env::var_os("BATON_TEST_PROPAGATOR").is_some() {
        match Propagator::from_environment() {
            Ok(propagator) => println!("extract {}", propagator.propagation().extract),
            Err(problems) => println!("{problems}"),
        }
    }
}

#[test]
fn a_propagator_refuses_what_it_cannot_do() {
    let found = propagator_in("OTEL_PROPAGATORS", "b3".as_ref());
    assert!(found.contains("extract b3\n"), "{found}");
    let found = propagator_in("BATON_XRAY_SOURCE", "environment".as_ref());
    let refusal = "BATON_XRAY_SOURCE=\"environment\" cannot be used: OpenTelemetry shows a propagator only headers";
    assert!(found.contains(refusal), "{found}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_not_taken_for_unset() {
    use std::os::unix::ffi::OsStrExt;

    let value = std::ffi::OsStr::from_bytes(b"b3\xff");
    let found = propagator_in("OTEL_PROPAGATORS", value);
    assert!(
        found.contains("OTEL_PROPAGATORS=\"b3\u{fffd}\" cannot be used: unknown format"),
        "{found}"
    );
}
