//! The spans for `traces` and `map`: from the named sources, or from a running lab.

use baton_lab::registry::Note;
use baton_propagators::explanation::list;
use baton_traces::hand_off::Hop;
use baton_traces::shown::{service_name, visible};
use baton_traces::source::Source;
use baton_traces::source::extent::Extent;
use baton_traces::source::load::{has_run, load};
use baton_traces::span::{Span, Want};
use baton_traces::trace::index::{Filter, TraceIndex};

use crate::arguments::LabChoice;
use crate::failure::Failure;
use crate::lab_client;
use crate::print::output::Output;

/// Sources that are read as one.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: Vec<Source>,
    /// The lab, if no sources are named. Records that it has not delivered yet may still arrive.
    pub(crate) lab: Option<Note>,
}

impl Sources {
    /// These `sources`. If there are none, the lab that `choice` names.
    pub(crate) fn of(sources: Vec<Source>, choice: &LabChoice) -> Result<Sources, Failure> {
        if !sources.is_empty() {
            lab_client::flush_named(&sources)?;
            return Ok(Sources { sources, lab: None });
        }
        let lab = lab_client::find(choice)?;
        lab_client::flush(&lab)?;
        Ok(Sources {
            sources: vec![Source::from(lab.directory.as_path())],
            lab: Some(lab),
        })
    }

    /// Reads all spans once, for a list. Reports what could not be read.
    pub(crate) fn index(&self, filter: Filter, output: &Output) -> Result<TraceIndex, Failure> {
        let want = match filter.want() {
            Want::Judging => Want::HandOffs,
            want => want,
        };
        self.read_index(TraceIndex::new(filter), want, output)
    }

    /// Reads all spans once, for a map. Reports what could not be read.
    pub(crate) fn index_of_map(&self, output: &Output) -> Result<TraceIndex, Failure> {
        let index = TraceIndex::new(Filter::default()).of_map();
        self.read_index(index, Want::HandOffs, output)
    }

    fn read_index(
        &self,
        mut index: TraceIndex,
        want: Want,
        output: &Output,
    ) -> Result<TraceIndex, Failure> {
        if !has_run(&self.sources)? {
            index = index.of_exports();
        }
        let mut extents = Vec::new();
        for source in &self.sources {
            let loaded = load(source, want, &mut index)?;
            if let Some(spans) = loaded.missing_spans {
                let missing = format!("{} is missing: there are no spans", spans.display());
                return Err(Failure::usage(missing));
            }
            for problem in loaded.span_problems {
                output.warn(&problem);
            }
            extents.push(loaded.extent);
        }
        let extent = Extent::together(&extents);
        index.finish(&extent);
        if let Some(judged) = index.judged().filter(|_| !extent.is_run) {
            // of a source without spans, the command says so
            for sentence in judged.answer().into_iter().filter(|_| judged.spans > 0) {
                output.note(&sentence);
            }
            return Ok(index);
        }
        for hop in index.senders_alone() {
            output.note(senders_alone(*hop));
        }
        Ok(index)
    }

    /// Passes every span to `take`, with all its fields.
    pub(crate) fn read(&self, take: &mut (dyn FnMut(&Span<'_>) + Send)) -> Result<(), Failure> {
        for source in &self.sources {
            let each = &mut |span: &Span<'_>| take(span);
            source.read(Want::Everything, each)?;
        }
        Ok(())
    }
}

/// Why a hop has no verdicts.
fn senders_alone(hop: Hop) -> &'static str {
    match hop {
        Hop::Ingress => {
            "the source has only the clients' spans, so the requests are not judged; name the functions' spans too"
        }
        Hop::Record => {
            "the source has only the producers' spans, so the records are not judged; name the consumers' spans too"
        }
    }
}

/// The failure for `flag` if it names a service without spans. These `services` have spans.
pub(crate) fn no_such_service<'a>(
    flag: &str,
    name: &str,
    services: impl IntoIterator<Item = &'a (impl AsRef<str> + 'a + ?Sized)>,
) -> Failure {
    let known = services.into_iter().map(|name| service_name(name.as_ref()));
    let known: Vec<String> = known.collect();
    Failure::usage(format!(
        "{flag} {}: no span is from this service; the services are {}",
        visible(name),
        list(known.iter().map(String::as_str))
    ))
}
