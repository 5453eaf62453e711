//! Bursts at several endpoints that take turns, compared with the first.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use baton_experiments::burst::{Endpoint, checks, problems, unreachable};
use baton_experiments::{interleaving_id, requests};
use baton_loadgen::{AttackOutcome, Plan, Settings};
use baton_traces::compare::limits::{Check, Limit};
use baton_traces::compare::{Comparison, Difference};
use baton_traces::measure::Measured;
use baton_traces::shown::visible;
use serde::Serialize;

use super::address::Address;
use super::inherited::Inherited;
use super::measured::measured;
use super::print::{Counted, figures};
use super::{Save, send_all, settings};
use crate::arguments::{BurstArguments, Format};
use crate::failure::Failure;
use crate::print::comparison::ComparisonJson;
use crate::print::output::Output;
use crate::print::table::bursts::endpoint_table;
use crate::runtime;
use baton_views::difference as cells;

/// What `baton burst --format json` prints in addition to the comparison of several endpoints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Own<'a> {
    latency: Counted,
    /// The bursts at each endpoint, by its name.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Vec<baton_schemas::Burst>>"))]
    bursts: BTreeMap<&'a str, Vec<AttackOutcome>>,
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Check>"))]
    checks: &'a [Check],
    /// The folder of the runs.
    saved: Option<&'a Path>,
}

/// The results of all endpoints.
struct Outcome<'a> {
    addresses: &'a [Address],
    bursts: Vec<Vec<AttackOutcome>>,
    comparison: Comparison,
    measured: Vec<Measured>,
    checks: Vec<Check>,
}

/// Sends the bursts to all endpoints in rounds, and compares the endpoints with the first.
pub(super) fn burst(
    arguments: &BurstArguments,
    inherited: &Inherited,
    addresses: &[Address],
    limits: &[Limit],
    output: &Output,
) -> Result<ExitCode, Failure> {
    if arguments.goose_report.is_some() {
        return Err(Failure::usage(
            "--goose-report takes one endpoint; run the command once for each endpoint",
        ));
    }
    let load = arguments.load.load();
    let rounds = load.rounds(addresses.len(), arguments.load.rounds)?;
    let id = interleaving_id();
    let mut endpoints = Vec::new();
    for address in addresses {
        let settings = settings(arguments, inherited, &address.url)?;
        Plan::new(settings.clone())?;
        endpoints.push(Endpoint {
            name: address.name.clone(),
            settings,
            directory: None,
            goose_reports: Vec::new(),
        });
    }
    let saves = saves(arguments, &mut endpoints, rounds, &id)?;
    let sent = send_all(arguments, &endpoints, rounds, output);
    let (bursts, interrupted) = runtime::for_lab()?.block_on(sent)?;
    if let Some(failure) = unreached(addresses, &bursts, interrupted) {
        for save in saves {
            save.discard()?;
        }
        return Err(failure);
    }
    for (save, outcomes) in saves.into_iter().zip(&bursts) {
        save.finish(outcomes, output)?;
    }
    let measured: Vec<Measured> = addresses
        .iter()
        .zip(&bursts)
        .map(|(address, outcomes)| measured(&address.name, load.engine, outcomes, &id))
        .collect();
    let outcome = Outcome {
        comparison: Comparison::with_smallest(&measured, 0, arguments.load.smallest_difference),
        checks: checked(addresses, &bursts, limits),
        measured,
        addresses,
        bursts,
    };
    outcome.print(arguments, output)?;
    if interrupted {
        return Err(Failure::interrupted());
    }
    let problems = outcome.problems(limits);
    match problems.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::check(problems.join("\n"))),
    }
}

/// Begins a run for each endpoint, in a directory that is named after it.
fn saves(
    arguments: &BurstArguments,
    endpoints: &mut [Endpoint],
    rounds: u32,
    id: &str,
) -> Result<Vec<Save>, Failure> {
    let mut saves = Vec::new();
    let Some(out) = &arguments.out else {
        return Ok(saves);
    };
    for endpoint in endpoints {
        let directory = out.join(file_name(&endpoint.name));
        let mut save = Save::begin(arguments, &endpoint.settings, &directory)?;
        let interleaved = (rounds > 1).then_some(id);
        save.manifest.set_rounds(rounds, interleaved);
        endpoint.settings = Settings {
            spans: Some(save.directory.client_spans_path()),
            ..endpoint.settings.clone()
        };
        endpoint.directory = Some(save.directory.clone());
        saves.push(save);
    }
    Ok(saves)
}

/// The name, with only characters that a file's name may have.
fn file_name(name: &str) -> String {
    let name = name.rsplit_once("://").map_or(name, |(_, rest)| rest);
    let allowed = |character: char| match character {
        character if character.is_alphanumeric() || "-.".contains(character) => character,
        _ => '_',
    };
    name.trim_matches(['.', '/']).chars().map(allowed).collect()
}

/// The failure if no request reached one of the endpoints.
fn unreached(
    addresses: &[Address],
    bursts: &[Vec<AttackOutcome>],
    interrupted: bool,
) -> Option<Failure> {
    if interrupted && bursts.iter().all(Vec::is_empty) {
        return Some(Failure::interrupted());
    }
    let mut all = addresses.iter().zip(bursts);
    all.find_map(|(address, outcomes)| {
        let reason = unreachable(outcomes).filter(|_| !outcomes.is_empty())?;
        let failure = Failure::not_carried_out(format!("{}: {reason}", address.name));
        Some(failure.of("--endpoint"))
    })
}

/// Every limit for every endpoint.
fn checked(addresses: &[Address], bursts: &[Vec<AttackOutcome>], limits: &[Limit]) -> Vec<Check> {
    let each = addresses.iter().zip(bursts);
    let each = each.flat_map(|(address, outcomes)| {
        let checks = checks(limits, outcomes).into_iter();
        checks.map(|check| match check.of.clone() {
            None => check.of(&address.name),
            Some(burst) => check.of(format!("{}, {burst}", address.name)),
        })
    });
    each.collect()
}

impl Outcome<'_> {
    fn problems(&self, limits: &[Limit]) -> Vec<String> {
        let each = self.addresses.iter().zip(&self.bursts);
        let mut all: Vec<String> = each
            .flat_map(|(address, outcomes)| {
                let problems = problems(outcomes, limits, &[]).into_iter();
                problems.map(|problem| format!("{}: {problem}", address.name))
            })
            .collect();
        let failed = self.checks.iter().filter(|check| !check.passed);
        all.extend(failed.map(ToString::to_string));
        all
    }

    fn print(&self, arguments: &BurstArguments, output: &Output) -> Result<(), Failure> {
        match output.format {
            Format::Json => self.print_json(arguments, output),
            _ => output.print(&self.text(arguments, output)),
        }
    }

    fn print_json(&self, arguments: &BurstArguments, output: &Output) -> Result<(), Failure> {
        let bursts = self.addresses.iter().zip(&self.bursts);
        let own = Own {
            latency: Counted::of(arguments),
            bursts: bursts
                .map(|(address, outcomes)| (&*address.name, figures(outcomes)))
                .collect(),
            checks: &self.checks,
            saved: arguments.out.as_deref(),
        };
        let summaries = self.measured.iter().map(|one| &one.summary);
        output.print_json(&ComparisonJson::new(&self.comparison, summaries, own))
    }

    fn text(&self, arguments: &BurstArguments, output: &Output) -> String {
        let rows: Vec<(&str, AttackOutcome)> = self
            .addresses
            .iter()
            .zip(&self.bursts)
            .filter_map(|(address, outcomes)| {
                let (whole, _) = AttackOutcome::merge(outcomes)?;
                let seconds: f64 = outcomes.iter().map(|outcome| outcome.duration_s).sum();
                Some((&*address.name, with_time(whole, seconds, outcomes)))
            })
            .collect();
        let mut parts = vec![endpoint_table(&rows, output)];
        for address in &self.addresses[1..] {
            parts.push(self.against_first(&address.name, output));
        }
        let mut notes: Vec<String> = self.comparison.untested.iter().cloned().collect();
        let passed = self.checks.iter().filter(|check| check.passed);
        notes.extend(passed.map(ToString::to_string));
        notes.extend(
            arguments
                .out
                .iter()
                .map(|out| format!("Saved in {}.", out.display())),
        );
        parts.push(output.lines(notes));
        parts.retain(|part| !part.is_empty());
        parts.join("\n\n")
    }

    /// How the figures of an endpoint differ from the first one's.
    fn against_first(&self, name: &str, output: &Output) -> String {
        let all = self.comparison.differences.iter();
        let own = all.filter(|difference| difference.run == name && !difference.unit.is_empty());
        let lines = own.map(|difference| {
            format!(
                "  {} {}: {}",
                difference.metric,
                cells::change_with_interval(difference),
                said(difference)
            )
        });
        let heading = format!("{name} against {}:", self.comparison.baseline);
        let lines: Vec<String> = std::iter::once(visible(&heading)).chain(lines).collect();
        output.lines(lines)
    }
}

/// The judgement in words.
fn said(difference: &Difference) -> String {
    match (difference.significant, difference.note) {
        (Some(true), _) => format!("{}, {}", cells::mark(difference), cells::test(difference)),
        (_, Some(note)) => format!("{}: {note}", cells::mark(difference)),
        _ => cells::mark(difference).to_owned(),
    }
}

/// All bursts as one, in the time that they took together.
fn with_time(whole: AttackOutcome, seconds: f64, outcomes: &[AttackOutcome]) -> AttackOutcome {
    let ok = requests(outcomes).ok;
    AttackOutcome {
        duration_s: seconds,
        #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
        throughput_rps: if seconds > 0.0 {
            ok as f64 / seconds
        } else {
            0.0
        },
        ..whole
    }
}
