//! How the libraries divide over headers: which of them read a context, and which refuse it.

use super::arrived::Arrived;
use super::read::Read;
use super::{LIBRARIES, Library};
use crate::carrier::HeaderList;
use crate::formats::tracecontext;

/// The most bytes of headers that libraries should be asked about. No server lets more through.
pub const MAX_BYTES: usize = 1 << 20;

/// What the libraries make of the headers of one format. A library that does not read the format,
/// or does not look at these headers, is not in it.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    /// Libraries that find a context.
    pub(crate) read: Vec<&'static Library>,
    /// Libraries that find nothing, by their reason.
    pub(crate) refuse: Vec<(&'static str, Vec<&'static Library>)>,
}

impl Readers {
    /// Asks every library what it finds when it is set to read only `format`. More than
    /// [`MAX_BYTES`] give an empty answer.
    pub(crate) fn of(format: &str, headers: &HeaderList) -> Self {
        let mut readers = Readers::default();
        if headers.iter().map(|(_, value)| value.len()).sum::<usize>() > MAX_BYTES {
            return readers;
        }
        for library in LIBRARIES {
            match library.read(format, headers) {
                Some(Read::Context(found)) if found.trace != 0 && found.span != 0 => {
                    readers.read.push(library);
                }
                Some(Read::Refused(reason) | Read::Void(reason) | Read::Corrupt(reason)) => {
                    readers.refuse(reason, library);
                }
                _ => {}
            }
        }
        readers
    }

    /// Leaves out the libraries for which `keep` is false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Library) -> bool) {
        self.read.retain(|library| keep(library));
        for (_, libraries) in &mut self.refuse {
            libraries.retain(|library| keep(library));
        }
        self.refuse.retain(|(_, libraries)| !libraries.is_empty());
    }

    fn refuse(&mut self, reason: &'static str, library: &'static Library) {
        match self.refuse.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, libraries)) => libraries.push(library),
            None => self.refuse.push((reason, vec![library])),
        }
    }

    /// All libraries that find nothing, in the order of [`LIBRARIES`].
    pub(crate) fn refusing(&self) -> Vec<&'static Library> {
        let refuses = |library: &&&'static Library| {
            let mut all = self.refuse.iter().flat_map(|(_, libraries)| libraries);
            all.any(|refusing| refusing.name == library.name)
        };
        LIBRARIES.iter().filter(refuses).copied().collect()
    }
}

/// The libraries that continue a `traceparent`, by the number of `tracestate` members that they
/// keep.
pub(crate) fn kept_members(headers: &HeaderList) -> Vec<(usize, Vec<&'static Library>)> {
    let mut all: Vec<(usize, Vec<&'static Library>)> = Vec::new();
    for library in LIBRARIES {
        let Some(Read::Context(found)) = library.read(tracecontext::NAME, headers) else {
            continue;
        };
        let members = found.tracestate.split(',');
        let kept = members.filter(|member| !member.trim().is_empty()).count();
        match all.iter_mut().find(|(known, _)| *known == kept) {
            Some((_, libraries)) => libraries.push(library),
            None => all.push((kept, vec![library])),
        }
    }
    all.sort_by_key(|(kept, _)| std::cmp::Reverse(*kept));
    all
}

impl Library {
    /// What its reader of one format finds; `None` if it has none.
    fn read(&self, format: &str, headers: &HeaderList) -> Option<Read> {
        let (_, reader) = self.readers.iter().find(|(name, _)| *name == format)?;
        Some(reader(&Arrived::new(headers, self.delivery)))
    }
}
