//! OpenTelemetry's extractor and injector as carriers of this crate.

use opentelemetry::propagation::{Extractor, Injector};

use crate::carrier::{Arrival, Getter, NOT_TEXT, Setter};

/// The headers of OpenTelemetry's extractor.
pub(super) struct Arrived<'a>(pub(super) &'a dyn Extractor);

impl Getter for Arrived<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.arrival(name).first
    }

    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        match self.0.get_all(name) {
            None => {}
            // The extractor over HTTP headers omits values that are not visible ASCII. The header
            // did arrive.
            Some(values) if values.is_empty() => each(NOT_TEXT),
            Some(values) => values.into_iter().for_each(each),
        }
    }

    fn arrival<'a>(&'a self, name: &str) -> Arrival<'a> {
        let mut arrival = Arrival::default();
        match self.0.get_all(name).as_deref() {
            None => {}
            Some([]) => arrival.add(NOT_TEXT),
            Some(values) => values.iter().for_each(|value| arrival.add(value)),
        }
        arrival
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.0.keys().into_iter().for_each(each);
    }
}

/// The headers of OpenTelemetry's injector.
pub(super) struct Written<'a>(pub(super) &'a mut dyn Injector);

impl Setter for Written<'_> {
    fn set(&mut self, name: &str, value: &str) {
        self.0.set(name, value.to_owned());
    }
}
