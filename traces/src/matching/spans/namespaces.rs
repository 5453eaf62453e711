//! Services of one name in several namespaces (`service.namespace`). They are services of their
//! own, as OpenTelemetry's conventions say.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::End;
use crate::matching::names::{Name, Names, Renamed};

/// The services with a namespace. Until all spans are known, each has a name of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespaces {
    /// The name until then, by service and namespace.
    known: BTreeMap<(Name, Name), Name>,
}

impl Namespaces {
    /// The name for `service` in `namespace` until all spans are known.
    pub(super) fn name(&mut self, names: &mut Names, service: &str, namespace: &str) -> Name {
        if namespace.is_empty() || service.is_empty() {
            return names.intern(service);
        }
        let key = (names.intern(service), names.intern(namespace));
        let known = self.known.entry(key);
        // a service cannot have this name
        *known.or_insert_with(|| names.intern(&format!("{namespace}\0{service}")))
    }

    /// Adds those of a part, whose names are `renamed` here.
    pub(super) fn append(&mut self, part: &Namespaces, renamed: &Renamed) {
        let part = part.known.iter().map(|((service, namespace), name)| {
            let key = (renamed.get(*service), renamed.get(*namespace));
            (key, renamed.get(*name))
        });
        self.known.extend(part);
    }

    /// Names the services of `spans`: `namespace/service` if the service's name occurs in several
    /// namespaces, otherwise just the service's name.
    pub(super) fn settle(&mut self, names: &mut Names, spans: &mut [End]) {
        let known = std::mem::take(&mut self.known);
        if known.is_empty() {
            return;
        }
        let mut counts: BTreeMap<Name, u32> = BTreeMap::new();
        for (service, _) in known.keys() {
            *counts.entry(*service).or_default() += 1;
        }
        let mut settled: HashMap<Name, Name> = HashMap::default();
        for ((service, namespace), name) in known {
            let is_shared = counts[&service] > 1;
            let whole = || format!("{}/{}", names.text(namespace), names.text(service));
            let now = match is_shared.then(whole) {
                Some(whole) => names.intern(&whole),
                None => service,
            };
            settled.insert(name, now);
        }
        for end in spans {
            end.service = settled.get(&end.service).copied().unwrap_or(end.service);
        }
    }
}
